// SPDX-License-Identifier: Apache-2.0
// One host of a running region: the machine that carries it, the link to its agent, its state and its log
// file. State changes go through the coroutines below, one at a time a host, in the order they were asked
// for. Events and logs of its agent go to the hub and to the log. One thread (the region's loop); a VM's slow
// calls run on the pool.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "base/result.hpp"
#include "sim/lab/event_hub.hpp"
#include "sim/lab/machine.hpp"
#include "sim/lab/plan.hpp"
#include "vmctl/agent/link.hpp"

namespace understudy::lab {

// A lock that coroutines of one thread wait for in turn.
class Turn {
  public:
    explicit Turn(const boost::asio::any_io_executor& executor)
        : signal_(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::awaitable<void> take();
    void give_back();

  private:
    boost::asio::steady_timer signal_;
    bool taken_ = false;
};

class Host final : public vmctl::AgentHandler {
  public:
    Host(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, EventHub& hub, HostPlan plan,
         std::unique_ptr<Machine> machine, const std::string& log_path);

    boost::asio::awaitable<Result<void>> power_on();
    boost::asio::awaitable<Result<void>> power_off();
    boost::asio::awaitable<Result<void>> reset();
    // Stops the units that are to end in order and waits for their end: a second more than they are given for
    // it, then it goes on without. Nothing to do on a host that doesn't run.
    boost::asio::awaitable<Result<void>> end_units();
    boost::asio::awaitable<Result<void>> pause();
    boost::asio::awaitable<Result<void>> resume();
    Result<void> start_unit(const std::string& unit);
    Result<void> stop_unit(const std::string& unit);
    Result<void> signal_unit(const std::string& unit, int signal);

    const HostPlan& plan() const { return plan_; }
    const std::string& state() const { return state_; }  // off, starting, running, paused
    io::ProcessMemory memory() const { return machine_->memory(); }
    // The link to the agent; null while the host is off.
    vmctl::AgentLink* link() { return link_.get(); }

  private:
    void on_hello(const vmctl::Hello& hello) override;
    void on_configured(const Result<void>& result) override;
    void on_event(const std::string& unit, const Event& event) override;
    void on_log(const std::string& unit, vmctl::OutputStream stream, const std::string& bytes) override;
    void on_unit_state(const vmctl::UnitState& state) override;
    void on_closed(const std::string& reason) override;

    boost::asio::awaitable<Result<void>> start_machine(std::string detail);
    boost::asio::awaitable<Result<void>> stop_machine(std::string detail);
    void set_state(std::string state, const std::string& detail);
    void attach(io::UniqueFd channel);
    Result<void> has_unit(const std::string& unit) const;

    boost::asio::any_io_executor executor_;
    boost::asio::thread_pool& pool_;
    EventHub& hub_;
    HostPlan plan_;
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<vmctl::AgentLink> link_;
    std::string state_ = "off";
    std::string before_pause_;
    Turn turn_;
    std::set<std::string> units_up_;  // that have a process
    boost::asio::steady_timer unit_ended_;
    std::ofstream log_;
    std::uint64_t log_bytes_ = 0;
};

}  // namespace understudy::lab
