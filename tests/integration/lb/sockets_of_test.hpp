// SPDX-License-Identifier: Apache-2.0
// Plain blocking sockets on loopback for clients and backends of a test. Every wait ends after `patience`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "base/io/free_port.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::lb {

constexpr auto patience = std::chrono::seconds(20);

// A connected socket. read() and its kin end at `patience`.
class Peer {
  public:
    Peer() = default;
    explicit Peer(io::UniqueFd fd);
    static Peer connect(const std::string& address, std::uint16_t port);

    bool connected() const { return fd_.valid(); }
    int fd() const { return fd_.get(); }
    bool send(const std::string& data);
    std::string read_line();  // with its end; less if the peer ended before
    std::string read_all();   // to the end
    int read_error();         // errno of the next read; 0 for the end or for data
    void half_close();
    void close() { fd_.reset(); }

  private:
    io::UniqueFd fd_;
};

using io::free_port;

// Listens on address:port and runs `handler` in a thread of its own for each connection.
class TestBackend {
  public:
    using Handler = std::function<void(Peer&)>;
    TestBackend(std::string address, std::uint16_t port, Handler handler);
    ~TestBackend();

    // Refuses from now on; connections that are open stay open.
    void stop_listening();
    void listen_again();
    std::string last_client() const;  // address

  private:
    void serve();
    std::string address_;
    std::uint16_t port_;
    Handler handler_;
    io::UniqueFd listener_;
    std::thread acceptor_;
    std::atomic<bool> listening_{false};
    mutable std::mutex mutex_;
    std::string last_client_;
    std::list<Peer> peers_;
    std::list<std::thread> workers_;
};

// Answers "who\n" with the name and a line end, anything else with itself; ends when the client has ended.
TestBackend::Handler echo(const std::string& name);

}  // namespace understudy::lb
