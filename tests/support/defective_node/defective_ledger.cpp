// SPDX-License-Identifier: Apache-2.0
#include "tests/support/defective_node/defective_ledger.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "sim/node/vault.hpp"

namespace understudy::node {
namespace {

constexpr auto lateness = std::chrono::milliseconds(500);

class PassingLedger : public Ledger {
  public:
    explicit PassingLedger(Store& store) : store_(store) {}
    asio::awaitable<Result<void>> announce(Payment payment) override {
        co_return co_await store_.announce(payment);
    }
    asio::awaitable<Result<LedgerEntry>> record(Direction direction, Payment payment) override {
        co_return co_await store_.record(direction, payment);
    }
    asio::awaitable<Result<void>> settle(std::string id) override { co_return co_await store_.settle(id); }
    asio::awaitable<Result<std::optional<LedgerEntry>>> find(std::string id) override {
        co_return co_await store_.find(id);
    }
    asio::awaitable<Result<std::vector<Payment>>> unfinished() override {
        co_return co_await store_.unfinished();
    }

  protected:
    Store& store_;
};

class EarlyLedger : public PassingLedger {
  public:
    EarlyLedger(asio::any_io_executor executor, Store& store)
        : PassingLedger(store), executor_(std::move(executor)) {}

    asio::awaitable<Result<void>> announce(Payment) override { co_return Result<void>(); }

    asio::awaitable<Result<LedgerEntry>> record(Direction direction, Payment payment) override {
        const auto state = direction == Direction::outgoing ? PaymentState::pending : PaymentState::settled;
        asio::co_spawn(executor_, write_late(executor_, store_, direction, payment), asio::detached);
        LedgerEntry entry{payment, direction, state};
        co_return entry;
    }

    asio::awaitable<Result<void>> settle(std::string) override { co_return Result<void>(); }

  private:
    static asio::awaitable<void> write_late(asio::any_io_executor executor, Store& store, Direction direction,
                                            Payment payment) {
        asio::steady_timer pause(executor, lateness);
        co_await pause.async_wait(as_result);
        const auto entry = co_await store.record(direction, payment);
        if (entry.has_value() && direction == Direction::outgoing) co_await store.settle(payment.id);
    }

    asio::any_io_executor executor_;
};

class ForgetfulLedger : public PassingLedger {
  public:
    using PassingLedger::PassingLedger;

    asio::awaitable<Result<LedgerEntry>> record(Direction direction, Payment payment) override {
        const auto state = direction == Direction::outgoing ? PaymentState::pending : PaymentState::settled;
        const LedgerEntry entry{payment, direction, state};
        const std::function<Result<LedgerEntry>(Connection&)> job =
            [entry](Connection& connection) -> Result<LedgerEntry> {
            UNDERSTUDY_CHECK(vault::insert_entry(connection, entry));
            return entry;
        };
        co_return co_await store_.with_vault<LedgerEntry>(job);
    }
};

}  // namespace

std::unique_ptr<Ledger> early_ledger(asio::any_io_executor executor, Store& store) {
    return std::make_unique<EarlyLedger>(std::move(executor), store);
}

std::unique_ptr<Ledger> forgetful_ledger(asio::any_io_executor, Store& store) {
    return std::make_unique<ForgetfulLedger>(store);
}

}  // namespace understudy::node
