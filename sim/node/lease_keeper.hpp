// SPDX-License-Identifier: Apache-2.0
// Drives the mutual exclusion machine: its own database connection on its own thread, a timer, events.
// connect() opens that connection; acquire() resumes when the lease is taken; afterwards renewals go on by
// themselves. `end` is called once, with the reason, when the machine ends the process; acquire() then never
// resumes. Threads: one single-threaded executor. The object outlives the executor's work.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/io/event_writer.hpp"
#include "sim/node/core/mutual_exclusion.hpp"
#include "sim/node/database.hpp"
#include "sim/node/worker.hpp"

namespace understudy::node {

class LeaseKeeper {
  public:
    LeaseKeeper(asio::any_io_executor executor, DatabaseAddress database, LeaseIdentity self,
                LeaseIntervals intervals, io::EventWriter& events, std::function<void(std::string)> end);

    asio::awaitable<Result<void>> connect();  // an error: the database could not be reached
    asio::awaitable<void> acquire();          // after connect()
    bool holding() const { return machine_.holding(); }
    std::int64_t version() const { return version_; }

  private:
    void step();  // carries actions out, arms the timer
    void carry_out(const LeaseAction& action);
    void ask(std::function<Result<LeaseAnswered>(Connection&)> question);

    asio::any_io_executor executor_;
    DatabaseAddress database_;
    LeaseIdentity self_;
    LeaseIntervals intervals_;
    io::EventWriter& events_;
    std::function<void(std::string)> end_;
    MutualExclusionMachine machine_;
    asio::steady_timer timer_;
    asio::steady_timer taken_;
    std::int64_t version_ = 0;
    std::shared_ptr<std::optional<Connection>> connection_ = std::make_shared<std::optional<Connection>>();
    Worker worker_{"database"};
};

}  // namespace understudy::node
