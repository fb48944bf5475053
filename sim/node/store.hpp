// SPDX-License-Identifier: Apache-2.0
// The ledger of a real node: the message journal on the share and the vault in the database, each on a thread
// of its own. Announcements that come while one is being written are written together, with one fdatasync.
// `lost` is called when the database connection is gone or the journal can't be written: the node ends then,
// it doesn't reconnect.
#pragma once

#include <functional>
#include <memory>

#include "sim/node/database.hpp"
#include "sim/node/journal.hpp"
#include "sim/node/ledger.hpp"
#include "sim/node/worker.hpp"

namespace understudy::node {

class Store : public Ledger {
  public:
    Store(asio::any_io_executor executor, DatabaseAddress database, std::function<void(std::string)> lost);

    asio::awaitable<Result<void>> connect();                            // creates the vault's tables
    asio::awaitable<Result<void>> open_journal(std::string directory);  // the caller has the journal lock

    asio::awaitable<Result<void>> announce(Payment payment) override;
    asio::awaitable<Result<LedgerEntry>> record(Direction direction, Payment payment) override;
    asio::awaitable<Result<void>> settle(std::string id) override;
    asio::awaitable<Result<std::optional<LedgerEntry>>> find(std::string id) override;
    asio::awaitable<Result<std::vector<Payment>>> unfinished() override;

    // Any job on the vault's connection, in turn with the ledger's own.
    template <typename T>
    asio::awaitable<Result<T>> with_vault(std::function<Result<T>(Connection&)> job);

  private:
    struct Batch {
        explicit Batch(const asio::any_io_executor& executor)
            : done(executor, asio::steady_timer::time_point::max()) {}
        std::vector<JournalRecord> records;
        bool durable = false;
        std::optional<Result<void>> outcome;
        asio::steady_timer done;
    };
    std::shared_ptr<Batch> append(JournalRecord record, bool durable);
    asio::awaitable<void> write_batches();
    void check_lost(const Error& error);

    asio::any_io_executor executor_;
    DatabaseAddress database_;
    std::function<void(std::string)> lost_;
    std::shared_ptr<std::optional<Connection>> connection_ = std::make_shared<std::optional<Connection>>();
    std::shared_ptr<std::optional<Journal>> journal_ = std::make_shared<std::optional<Journal>>();
    std::shared_ptr<Batch> next_batch_;
    bool writing_ = false;
    Worker vault_worker_{"database"};
    Worker journal_worker_{"message journal"};
};

template <typename T>
asio::awaitable<Result<T>> Store::with_vault(std::function<Result<T>(Connection&)> job) {
    const std::function<Result<T>()> held = [connection = connection_, job = std::move(job)]() -> Result<T> {
        if (!connection->has_value()) return Error(ErrorKind::environment, "database", "is not connected");
        return job(**connection);
    };
    Result<T> answer = co_await vault_worker_.run<T>(held);
    if (answer.has_error()) check_lost(answer.error());
    co_return answer;
}

}  // namespace understudy::node
