// SPDX-License-Identifier: Apache-2.0
// The data path in user space: one listener for each rule on the frontend address, and a ProxyConnection for
// each client it accepts. Who is healthy and who takes a flow is asked of `route`. A connection for which
// there is no healthy backend, or which is above max_connections, is reset at once and counted. Ownership:
// held by shared_ptr; stop() before the executor's context ends. Threads: the executor's, one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "lb/config.hpp"
#include "lb/core/distribution.hpp"
#include "lb/proxy_connection.hpp"

namespace understudy::lb {

struct ProxyCounters {
    std::uint64_t accepted = 0;
    std::uint64_t refused_no_backend = 0;  // no healthy backend, or every one of them failed
    std::uint64_t refused_over_limit = 0;
    std::uint64_t failed_attempts = 0;  // connects to a backend that failed
    std::uint64_t reset_backend_down = 0;
    std::uint64_t idle_timeouts = 0;
};

class Proxy : public std::enable_shared_from_this<Proxy>, private ConnectionOwner {
  public:
    using Route = std::function<std::optional<std::size_t>(std::size_t rule, const FlowKey& flow,
                                                           std::span<const std::size_t> tried)>;
    // An attempt on a backend failed: rule, backend, client and reason in words.
    using AttemptFailed = std::function<void(std::size_t rule, std::size_t backend, Endpoint client,
                                             const std::string& reason)>;

    Proxy(boost::asio::any_io_executor executor, const Config& config, Route route,
          AttemptFailed attempt_failed);

    // Binds every rule's port. Error kind environment, subject the endpoint that could not be had.
    Result<void> listen();
    // Begins to accept. After listen().
    void serve();
    // Closes the listeners and resets every connection.
    void stop();
    // The backend went down for the probe of this rule: what the configuration says is done to its
    // connections.
    void backend_down(std::size_t rule, std::size_t backend);

    std::size_t connection_count() const { return connections_.size(); }
    const ProxyCounters& counters() const { return counters_; }

  private:
    std::optional<std::size_t> backend_for(const ProxyConnection& connection) override;
    Endpoint target_of(std::size_t rule, std::size_t backend) const override;
    void attempt_failed(const ProxyConnection& connection, std::size_t backend,
                        const std::string& reason) override;
    void gave_up(const ProxyConnection& connection) override;
    void ended(const ProxyConnection& connection) override;
    std::vector<char>& scratch() override { return scratch_; }

    static boost::asio::awaitable<void> accept(std::shared_ptr<Proxy> self, std::size_t rule);
    static boost::asio::awaitable<void> end_idle(std::shared_ptr<Proxy> self);
    void admit(std::size_t rule, boost::asio::ip::tcp::socket socket);

    boost::asio::any_io_executor executor_;
    Config config_;
    Route route_;
    AttemptFailed attempt_failed_;
    std::vector<boost::asio::ip::tcp::acceptor> acceptors_;  // by rule
    boost::asio::steady_timer idle_timer_;
    std::unordered_map<std::uint64_t, std::shared_ptr<ProxyConnection>> connections_;
    std::uint64_t next_id_ = 1;
    ProxyCounters counters_;
    std::vector<char> scratch_;
    bool stopped_ = false;
};

}  // namespace understudy::lb
