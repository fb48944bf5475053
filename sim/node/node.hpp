// SPDX-License-Identifier: Apache-2.0
// A node from start to end. The order at start matters and is decided here: the share answers; connect to the
// database and take the lease; lock the message journal; recover it; publish NodeInfo; open the P2P, RPC and
// HTTP ports. A node without the lease never opens a port. The share is asked first, which the original
// doesn't do: a host that is cut off from the share would otherwise take its own lease again at every
// restart, and keep the other host from taking over. The end: ports close first, always. On a signal payments
// under way are finished (at most a second), and the journal is unlocked; on a loss (lease, database,
// journal) nothing more is acknowledged. The lease row stays as it is, as in the original: a planned switch
// waits for wait_interval, too. The process ends by _exit: a thread that is stuck in the kernel, on a share
// that doesn't answer, must not hold it. Threads: everything on one single-threaded io_context, what blocks
// on Workers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/io/event_writer.hpp"
#include "sim/node/lease_keeper.hpp"
#include "sim/node/network_map_client.hpp"
#include "sim/node/node_config.hpp"
#include "sim/node/payment_service.hpp"
#include "sim/node/share.hpp"
#include "sim/node/store.hpp"

namespace understudy::node {

// Lays another ledger over the store's; the store outlives it.
using LedgerWrapper = std::function<std::unique_ptr<Ledger>(asio::any_io_executor executor, Store& store)>;

class Node {
  public:
    Node(NodeConfig config, const LedgerWrapper& wrap_ledger);

    [[noreturn]] void run();  // ends the process

  private:
    asio::awaitable<void> start();
    asio::awaitable<Result<void>> open_share();
    asio::awaitable<Result<void>> lock_journal();
    asio::awaitable<void> watch_journal();
    NodeInfo node_info() const;
    asio::awaitable<Result<void>> publish();
    asio::awaitable<void> keep_publishing();
    Result<void> open_ports();
    Result<void> serve(const Endpoint& endpoint, io::HttpHandler handler);
    void report_active();
    std::string status() const;

    // The first call counts. `orderly`: finish what is under way.
    void end(int exit_code, std::string reason, bool orderly);
    asio::awaitable<void> end_in_order(int exit_code, std::string reason, bool orderly);

    NodeConfig config_;
    asio::io_context context_{1};
    io::EventWriter events_{"node"};
    Store store_;
    std::unique_ptr<Ledger> ledger_;
    NetworkMapClient network_map_;
    PaymentService payments_;
    std::unique_ptr<LeaseKeeper> lease_;
    Worker share_worker_{"share"};
    std::shared_ptr<std::optional<JournalLock>> lock_ = std::make_shared<std::optional<JournalLock>>();
    std::vector<std::unique_ptr<asio::ip::tcp::acceptor>> acceptors_;
    asio::signal_set signals_{context_, SIGTERM, SIGINT};
    bool locked_ = false;
    bool active_ = false;
    bool ending_ = false;
    Instant lease_since_{};
    Duration lease_wait_{};
    Duration journal_wait_{};
};

}  // namespace understudy::node
