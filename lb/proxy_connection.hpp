// SPDX-License-Identifier: Apache-2.0
// One proxied connection: finds a backend, connects to it, and copies both ways until both sides have ended.
// Half-close is passed on in each direction by itself. Back-pressure: a direction whose receiver is full
// holds at most one buffer and doesn't read on. A direction that waits for bytes holds no buffer at all. A
// reset on one side is a reset on the other. Threads: one, the executor's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace understudy::lb {

class ProxyConnection;

// What a connection asks of whoever owns it.
class ConnectionOwner {
  public:
    virtual ~ConnectionOwner() = default;
    // The backend to try next; none when no healthy one is left.
    virtual std::optional<std::size_t> backend_for(const ProxyConnection& connection) = 0;
    virtual Endpoint target_of(std::size_t rule, std::size_t backend) const = 0;
    // An attempt on this backend failed before any byte was passed.
    virtual void attempt_failed(const ProxyConnection& connection, std::size_t backend,
                                const std::string& reason) = 0;
    // No backend took the connection; it is being reset.
    virtual void gave_up(const ProxyConnection& connection) = 0;
    // It has ended and may be forgotten.
    virtual void ended(const ProxyConnection& connection) = 0;
    // Where bytes stand between one read and the write that follows, without a wait in between.
    virtual std::vector<char>& scratch() = 0;
};

struct ConnectionLimits {
    Duration connect_timeout;
    Duration dead_peer_timeout;
};

class ProxyConnection : public std::enable_shared_from_this<ProxyConnection> {
  public:
    ProxyConnection(std::uint64_t id, std::size_t rule, Endpoint client, Endpoint frontend,
                    boost::asio::ip::tcp::socket socket, ConnectionLimits limits,
                    std::shared_ptr<ConnectionOwner> owner);

    static boost::asio::awaitable<void> run(std::shared_ptr<ProxyConnection> self);

    // Resets both sides. What waits on them ends.
    void reset();
    // Its backend went down. While still connecting, another backend is tried; once bytes may have passed, it
    // is reset if `reset_established`.
    void backend_down(bool reset_established);

    std::uint64_t id() const { return id_; }
    std::size_t rule() const { return rule_; }
    Endpoint client() const { return client_endpoint_; }
    Endpoint frontend() const { return frontend_; }
    std::optional<std::size_t> backend() const { return backend_; }  // connecting or connected to
    const std::vector<std::size_t>& tried() const { return tried_; }
    Instant last_activity() const { return last_activity_; }
    bool established() const { return established_; }

  private:
    using Socket = boost::asio::ip::tcp::socket;
    boost::asio::awaitable<bool> connect();
    void set_options();
    static boost::asio::awaitable<void> copy(std::shared_ptr<ProxyConnection> self, Socket& from, Socket& to);
    boost::asio::awaitable<bool> copy_until_end(Socket& from, Socket& to);
    void direction_ended();

    std::uint64_t id_;
    std::size_t rule_;
    Endpoint client_endpoint_;
    Endpoint frontend_;
    Socket client_;
    Socket server_;
    ConnectionLimits limits_;
    std::shared_ptr<ConnectionOwner> owner_;
    std::optional<std::size_t> backend_;
    std::vector<std::size_t> tried_;
    Instant last_activity_;
    int open_directions_ = 0;
    bool established_ = false;
    bool backend_lost_ = false;  // while connecting to it
    bool reset_ = false;
};

}  // namespace understudy::lb
