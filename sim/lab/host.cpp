// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
using io::as_result;

// A log that grows without end would fill the disk: past this a host's log says so and stops.
constexpr std::uint64_t longest_log = 64 << 20;

// The agent kills a unit that takes too long; then it tells.
constexpr Duration end_slack = 1s;

// Runs a blocking call on the pool and resumes on the caller's executor.
template <typename Call>
asio::awaitable<std::invoke_result_t<Call>> on_pool(asio::thread_pool& pool, Call call) {
    co_return co_await asio::co_spawn(
        pool,
        [](Call held) -> asio::awaitable<std::invoke_result_t<Call>> { co_return held(); }(std::move(call)),
        asio::use_awaitable);
}

}  // namespace

asio::awaitable<void> Turn::take() {
    while (taken_) co_await signal_.async_wait(as_result);
    taken_ = true;
}

void Turn::give_back() {
    taken_ = false;
    signal_.cancel_one();
}

Host::Host(asio::any_io_executor executor, asio::thread_pool& pool, EventHub& hub, HostPlan plan,
           std::unique_ptr<Machine> machine, const std::string& log_path)
    : executor_(executor),
      pool_(pool),
      hub_(hub),
      plan_(std::move(plan)),
      machine_(std::move(machine)),
      turn_(executor),
      unit_ended_(executor),
      log_(log_path, std::ios::app) {}

void Host::set_state(std::string state, const std::string& detail) {
    state_ = std::move(state);
    hub_.record(plan_.name, {"lab", "host_state", detail, {{"state", state_}}});
}

asio::awaitable<Result<void>> Host::power_on() {
    co_await turn_.take();
    auto result = co_await start_machine("powered on");
    turn_.give_back();
    co_return result;
}

asio::awaitable<Result<void>> Host::power_off() {
    co_await turn_.take();
    auto result = co_await stop_machine("powered off");
    turn_.give_back();
    co_return result;
}

asio::awaitable<Result<void>> Host::reset() {
    co_await turn_.take();
    Result<void> result;
    if (machine_->resets_in_place()) {
        set_state("starting", "reset");
        Machine* machine = machine_.get();
        result = co_await on_pool(pool_, [machine] { return machine->reset_in_place(); });
    } else {
        result = co_await stop_machine("reset");
        if (result.has_value()) result = co_await start_machine("powered on after a reset");
    }
    turn_.give_back();
    co_return result;
}

asio::awaitable<Result<void>> Host::end_units() {
    for (const std::string& unit : plan_.units_ended) {
        const auto spec = std::find_if(plan_.config.units.begin(), plan_.config.units.end(),
                                       [&](const auto& each) { return each.name == unit; });
        if (state_ != "running" || spec == plan_.config.units.end() || stop_unit(unit).has_error()) continue;
        const Instant end = io::monotonic_now() + spec->stop_timeout + end_slack;
        while (units_up_.contains(unit) && io::monotonic_now() < end) {
            unit_ended_.expires_at(io::to_steady(end));
            co_await unit_ended_.async_wait(as_result);
        }
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Host::start_machine(std::string detail) {
    if (state_ != "off") co_return Result<void>();
    set_state("starting", detail);
    Machine* machine = machine_.get();
    Result<void> step = machine->plug_before_start();
    if (step.has_error()) co_return step;
    auto channel = co_await on_pool(pool_, [machine] { return machine->start(); });
    if (channel.has_error()) {
        set_state("off", channel.error().message());
        co_return channel.error();
    }
    attach(std::move(*channel));
    co_return machine->plug_after_start();
}

asio::awaitable<Result<void>> Host::stop_machine(std::string detail) {
    if (state_ == "off") co_return Result<void>();
    Machine* machine = machine_.get();
    Result<void> unplugged = machine->unplug();
    if (link_) link_->close();
    link_.reset();
    units_up_.clear();
    unit_ended_.cancel();
    auto stopped = co_await on_pool(pool_, [machine] { return machine->stop(); });
    set_state("off", detail);
    co_return stopped.has_error() ? stopped : unplugged;
}

asio::awaitable<Result<void>> Host::pause() {
    co_await turn_.take();
    Machine* machine = machine_.get();
    Result<void> result;
    if (state_ == "running" || state_ == "starting") {
        result = co_await on_pool(pool_, [machine] { return machine->pause(); });
        before_pause_ = state_;
        if (result.has_value()) set_state("paused", "paused");
    }
    turn_.give_back();
    co_return result;
}

asio::awaitable<Result<void>> Host::resume() {
    co_await turn_.take();
    Machine* machine = machine_.get();
    Result<void> result;
    if (state_ == "paused") {
        result = co_await on_pool(pool_, [machine] { return machine->resume(); });
        if (result.has_value()) set_state(before_pause_, "resumed");
    }
    turn_.give_back();
    co_return result;
}

void Host::attach(io::UniqueFd channel) {
    link_ = std::make_unique<vmctl::AgentLink>(executor_, *this);
    link_->start(std::move(channel));
}

// A fresh agent knows nothing: after every boot and every reset it is told all again.
void Host::on_hello(const vmctl::Hello& hello) {
    if (hello.fresh) {
        if (const auto sent = link_->configure(plan_.config); sent.has_error())
            hub_.record(plan_.name, {"lab", "configure_failed", sent.error().message(), {}});
    } else if (state_ == "starting") {
        set_state("running", "its agent is back");
    }
}

void Host::on_configured(const Result<void>& result) {
    if (result.has_value())
        set_state("running", "configured");
    else
        hub_.record(plan_.name, {"lab", "configure_failed", result.error().message(), {}});
}

void Host::on_event(const std::string& unit, const Event& event) {
    Event recorded = event;
    if (!unit.empty()) recorded.attributes.emplace("unit", unit);
    hub_.record(plan_.name, std::move(recorded));
}

void Host::on_log(const std::string&, vmctl::OutputStream, const std::string& bytes) {
    if (log_bytes_ > longest_log) return;
    log_bytes_ += bytes.size();
    log_ << bytes << std::flush;
    if (log_bytes_ > longest_log)
        log_ << "\n(this log ends here: it has reached its limit of 64 MiB)\n" << std::flush;
}

// Units tell of themselves by events. Their states are for whoever waits for their end.
void Host::on_unit_state(const vmctl::UnitState& state) {
    if (state.pid) {
        units_up_.insert(state.unit);
        return;
    }
    units_up_.erase(state.unit);
    unit_ended_.cancel();
}

void Host::on_closed(const std::string& reason) {
    if (state_ == "off") return;
    hub_.record(plan_.name, {"lab", "agent_lost", reason, {}});
    // A host without its process 1 is dead, whatever killed it: say so, and leave nothing of it.
    asio::co_spawn(executor_, power_off(), asio::detached);
}

Result<void> Host::has_unit(const std::string& unit) const {
    std::string known;
    for (const auto& spec : plan_.config.units) {
        if (spec.name == unit) {
            if (link_) return {};
            return Error(ErrorKind::failed, plan_.name, "is off");
        }
        known += (known.empty() ? "" : ", ") + spec.name;
    }
    return Error(ErrorKind::bad_input, fmt::format("{}/{}", plan_.name, unit), "there is no such unit")
        .with_remedy("units: " + known);
}

Result<void> Host::start_unit(const std::string& unit) {
    UNDERSTUDY_CHECK(has_unit(unit));
    return link_->start_unit(unit);
}

Result<void> Host::stop_unit(const std::string& unit) {
    UNDERSTUDY_CHECK(has_unit(unit));
    return link_->stop_unit(unit);
}

Result<void> Host::signal_unit(const std::string& unit, int signal) {
    UNDERSTUDY_CHECK(has_unit(unit));
    return link_->signal_unit(unit, signal);
}

}  // namespace understudy::lab
