// SPDX-License-Identifier: Apache-2.0
// Drives the database's fault machine: hands it the clock, wakes it at its deadlines, holds the sessions that
// it lets wait, and reports what comes and goes as events "fault", "heal" and "power_lost". Callbacks are
// called on the executor's thread; everything else may be called from any.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/io/event_writer.hpp"
#include "storage/database/core/fault_machine.hpp"

namespace understudy::database {

class Faults {
  public:
    Faults(boost::asio::any_io_executor executor, io::EventWriter& events)
        : timer_(std::move(executor)), events_(events) {}

    Result<void> apply(const std::string& id, const Fault& fault);
    bool heal(const std::string& id);  // false: not in force
    std::vector<FaultMachine::InForce> in_force() const;
    std::size_t commits_waiting() const;

    bool frozen() const { return frozen_; }
    // Blocks until it is healed or the service ends. False: it wasn't frozen.
    bool wait_while_frozen();
    bool refuses_connection();
    std::optional<SqlError> judge_write(std::string_view command, bool first);
    // Blocks until the commit's durable write may begin.
    void before_commit();
    std::int64_t clock_unix_us() const;  // microseconds since 1970, as the database's clock has it
    Duration clock_step() const { return std::chrono::microseconds(step_us_.load()); }

    // Set before anything is applied.
    void on_frozen(std::function<void(bool frozen)> callback) { frozen_changed_ = std::move(callback); }
    // The last call that is made: whoever is called ends the service.
    void on_power_lost(std::function<void(const Fault&)> callback) { power_lost_ = std::move(callback); }
    void stop();  // nobody waits any longer

  private:
    void settle();  // with the mutex held
    void arm();
    void report(const char* name, const std::string& id, const Fault& fault, const std::string& more);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    FaultMachine machine_;
    std::set<std::uint64_t> waiting_;  // tickets of commits
    std::uint64_t next_ticket_ = 1;
    bool stopping_ = false;
    boost::asio::steady_timer timer_;
    io::EventWriter& events_;
    std::function<void(bool)> frozen_changed_ = [](bool) {};
    std::function<void(const Fault&)> power_lost_ = [](const Fault&) {};
    // What a session without a fault looks at, without the mutex.
    std::atomic<bool> any_ = false;
    std::atomic<bool> frozen_ = false;
    std::atomic<std::int64_t> step_us_ = 0;
};

}  // namespace understudy::database
