// SPDX-License-Identifier: Apache-2.0
#include "sim/node/store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <set>
#include <utility>

#include "sim/node/vault.hpp"

namespace understudy::node {
namespace {

// Result<void> has no value to hand through a coroutine's job; done stands for it.
struct Done {};

Result<Done> done(const Result<void>& outcome) {
    if (outcome.has_error()) return outcome.error();
    return Done{};
}

Result<void> without_value(const Result<Done>& outcome) {
    if (outcome.has_error()) return outcome.error();
    return {};
}

}  // namespace

Store::Store(asio::any_io_executor executor, DatabaseAddress database, std::function<void(std::string)> lost)
    : executor_(std::move(executor)), database_(std::move(database)), lost_(std::move(lost)) {}

asio::awaitable<Result<void>> Store::connect() {
    const std::function<Result<Done>()> job = [held = connection_, address = database_]() -> Result<Done> {
        UNDERSTUDY_TRY(Connection connection, Connection::open(address));
        UNDERSTUDY_CHECK(vault::create_tables(connection));
        held->emplace(std::move(connection));
        return Done{};
    };
    const Result<Done> outcome = co_await vault_worker_.run<Done>(job, database_.dead_after + 5s);
    co_return without_value(outcome);
}

asio::awaitable<Result<void>> Store::open_journal(std::string directory) {
    const std::function<Result<Done>()> job = [held = journal_, directory]() -> Result<Done> {
        UNDERSTUDY_TRY(Journal journal, Journal::open(directory));
        held->emplace(std::move(journal));
        return Done{};
    };
    const Result<Done> outcome = co_await journal_worker_.run<Done>(job);
    co_return without_value(outcome);
}

asio::awaitable<Result<void>> Store::announce(Payment payment) {
    const std::shared_ptr<Batch> batch = append(Announced{std::move(payment)}, true);
    while (!batch->outcome) co_await batch->done.async_wait(as_result);
    co_return *batch->outcome;
}

std::shared_ptr<Store::Batch> Store::append(JournalRecord record, bool durable) {
    if (!next_batch_) next_batch_ = std::make_shared<Batch>(executor_);
    const std::shared_ptr<Batch> batch = next_batch_;
    batch->records.push_back(std::move(record));
    batch->durable = batch->durable || durable;
    if (!writing_) {
        writing_ = true;
        asio::co_spawn(executor_, write_batches(), asio::detached);
    }
    return batch;
}

asio::awaitable<void> Store::write_batches() {
    while (next_batch_) {
        const std::shared_ptr<Batch> batch = std::exchange(next_batch_, nullptr);
        const std::function<Result<Done>()> job = [held = journal_, records = batch->records,
                                                   durable = batch->durable]() -> Result<Done> {
            if (!held->has_value()) return Error(ErrorKind::failed, "message journal", "is not open");
            return done((*held)->append(records, durable));
        };
        const Result<Done> outcome = co_await journal_worker_.run<Done>(job);
        batch->outcome = without_value(outcome);
        batch->done.cancel();
        if (outcome.has_error()) lost_("journal lost: " + outcome.error().message());
    }
    writing_ = false;
}

asio::awaitable<Result<LedgerEntry>> Store::record(Direction direction, Payment payment) {
    const std::function<Result<LedgerEntry>(Connection&)> job = [direction, payment](Connection& connection) {
        return vault::record(connection, direction, payment);
    };
    co_return co_await with_vault<LedgerEntry>(job);
}

asio::awaitable<Result<void>> Store::settle(std::string id) {
    const std::function<Result<Done>(Connection&)> job = [id](Connection& connection) {
        return done(vault::settle(connection, id));
    };
    const Result<Done> outcome = co_await with_vault<Done>(job);
    // Only spares the next start the work of finding out; that it is settled is durable in the vault.
    if (outcome.has_value()) append(Settled{id}, false);
    co_return without_value(outcome);
}

asio::awaitable<Result<std::optional<LedgerEntry>>> Store::find(std::string id) {
    const std::function<Result<std::optional<LedgerEntry>>(Connection&)> job = [id](Connection& connection) {
        return vault::find(connection, id);
    };
    co_return co_await with_vault<std::optional<LedgerEntry>>(job);
}

asio::awaitable<Result<std::vector<Payment>>> Store::unfinished() {
    const std::function<Result<std::vector<Payment>>(Connection&)> job = [](Connection& connection) {
        return vault::pending(connection);
    };
    Result<std::vector<Payment>> pending = co_await with_vault<std::vector<Payment>>(job);
    if (pending.has_error()) co_return pending;
    const std::function<Result<std::vector<Payment>>()> read =
        [held = journal_]() -> Result<std::vector<Payment>> {
        if (!held->has_value()) return Error(ErrorKind::failed, "message journal", "is not open");
        return (*held)->unfinished();
    };
    Result<std::vector<Payment>> announced = co_await journal_worker_.run<std::vector<Payment>>(read);
    if (announced.has_error()) co_return announced;
    std::set<std::string> ids;
    for (const Payment& payment : *pending) ids.insert(payment.id);
    for (Payment& payment : *announced)
        if (ids.insert(payment.id).second) pending->push_back(std::move(payment));
    co_return pending;
}

void Store::check_lost(const Error& error) {
    if (error.kind == ErrorKind::environment) lost_("database connection lost: " + error.message());
}

}  // namespace understudy::node
