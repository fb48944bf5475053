// SPDX-License-Identifier: Apache-2.0
// Passes 9P messages on between one client and a server, and loses or holds back what a test wants it to. It
// works in a thread of its own; its functions may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/io/unique_fd.hpp"

namespace understudy::files::testing {

class Relay {
  public:
    explicit Relay(std::uint16_t server_port);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    std::uint16_t port() const { return port_; }
    // The next message of that type, from either side, isn't passed on: its connection ends instead.
    void lose_next(std::uint8_t type) { lose_ = type; }
    bool has_lost() const { return lose_ == 0; }
    void hold_answers(bool hold) { hold_ = hold; }
    void end_connections() { end_ = true; }                   // what is held is lost with them
    std::size_t connections() const { return connections_; }  // so far
    std::size_t seen(std::uint8_t type) const { return seen_[type]; }

  private:
    struct Side {
        io::UniqueFd socket;
        std::string unread;  // less than a message
        std::string held;    // not yet passed on to the other side
    };
    struct Pair {
        Side client, server;
    };
    void run();
    void accept();
    bool pass(Side& from, Side& to, bool hold);
    bool read(Side& from);

    std::uint16_t server_port_, port_ = 0;
    io::UniqueFd listener_;
    std::vector<std::unique_ptr<Pair>> pairs_;
    std::atomic<std::uint8_t> lose_ = 0;
    std::atomic<bool> hold_ = false, end_ = false, stop_ = false;
    std::atomic<std::size_t> connections_ = 0;
    std::atomic<std::size_t> seen_[256] = {};
    std::thread thread_;
};

}  // namespace understudy::files::testing
