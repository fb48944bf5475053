// SPDX-License-Identifier: Apache-2.0
// One proxied connection: finds a backend, connects to it, and moves bytes both ways until both sides have
// ended.
//
//   connecting --connected--> established --both directions ended, or a reset--> over
//      |  `--failed, timed out, backend withdrawn--> connecting to another one (each at most once)
//      `--none left--> over, the client is reset
//
// Half-close is passed on in each direction by itself; a failure of one side is a reset of the other.
// Ownership: made with new, handed to its worker, which destroys it once over() and the events at hand are
// done. Threads: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "lb/proxy/books.hpp"
#include "lb/proxy/readiness.hpp"
#include "lb/proxy/timer_wheel.hpp"
#include "lb/proxy/transfer.hpp"

namespace understudy::lb {

class Worker;

class Flow : public TimerWheel::Entry {
  public:
    // Takes the client's socket.
    Flow(Worker& worker, std::shared_ptr<RuleBook> rule, int client, Endpoint client_endpoint);
    ~Flow();

    void connect();     // the first attempt, or the next one
    void on_timeout();  // its entry in the wheel is due
    void go_on();       // its turn again after TransferState::unspent
    void reset();       // both sides

    // The table or the configuration has changed: an attempt on a backend that takes no new flows is given
    // up.
    void plan_changed();

    bool over() const { return stage_ == Stage::over; }
    bool established() const { return stage_ == Stage::established; }
    const RuleBook& rule() const { return *rule_; }
    const BackendBook* backend() const { return backend_.get(); }

    // Places in the worker's lists.
    std::size_t place = 0;
    bool queued = false;

  private:
    enum class Stage : std::uint8_t { connecting, established, over };

    struct Side final : ReadinessHandler, Channel {
        explicit Side(Flow& flow) : owner(flow) {}
        void on_ready(std::uint32_t events) override { owner.on_ready(*this, events); }
        Flow& owner;
    };

    void on_ready(Side& side, std::uint32_t events);
    void attempt_failed(int error);
    void attempt_failed(const std::string& words);
    void connected();
    bool send_header();
    void move(Side& from, Side& to, Transfer& transfer, std::uint64_t& moved);
    void direction_ended(Side& to);
    void end();

    Worker& worker_;
    std::shared_ptr<RuleBook> rule_;
    std::shared_ptr<BackendBook> backend_;  // connecting or connected to
    Side client_;
    Side server_;
    Transfer to_server_;
    Transfer to_client_;
    Instant last_activity_{};  // while connecting: since when
    std::vector<std::shared_ptr<BackendBook>> tried_;
    Endpoint client_endpoint_;
    Stage stage_ = Stage::connecting;
    bool watched_for_long_ = false;
};

}  // namespace understudy::lb
