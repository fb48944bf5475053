// SPDX-License-Identifier: Apache-2.0
#include "storage/database/faults.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <chrono>

#include "base/io/clock.hpp"

namespace understudy::database {

Result<void> Faults::apply(const std::string& id, const Fault& fault) {
    const std::lock_guard lock(mutex_);
    Result<void> outcome = machine_.apply(id, fault, io::monotonic_now());
    settle();
    return outcome;
}

bool Faults::heal(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const bool healed = machine_.heal(id, io::monotonic_now());
    settle();
    return healed;
}

std::vector<FaultMachine::InForce> Faults::in_force() const {
    const std::lock_guard lock(mutex_);
    return machine_.in_force();
}

std::size_t Faults::commits_waiting() const {
    const std::lock_guard lock(mutex_);
    return machine_.commits_waiting();
}

bool Faults::wait_while_frozen() {
    if (!frozen_) return false;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !frozen_; });
    return true;
}

bool Faults::refuses_connection() {
    if (!any_) return false;
    const std::lock_guard lock(mutex_);
    const bool refuses = machine_.refuses_connection(io::monotonic_now());
    settle();
    return refuses;
}

std::optional<SqlError> Faults::judge_write(std::string_view command, bool first) {
    if (!any_) return std::nullopt;
    const std::lock_guard lock(mutex_);
    auto error = machine_.judge_write(command, first, io::monotonic_now());
    settle();
    return error;
}

void Faults::before_commit() {
    if (!any_) return;
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    const bool may = machine_.may_commit(ticket, io::monotonic_now());
    if (!may) waiting_.insert(ticket);
    settle();
    changed_.wait(lock, [&] { return stopping_ || !waiting_.contains(ticket); });
    machine_.cancel(ticket);
    waiting_.erase(ticket);
}

std::int64_t Faults::clock_unix_us() const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count() + step_us_;
}

void Faults::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    timer_.cancel();
    changed_.notify_all();
}

void Faults::settle() {
    for (const FaultAction& action : machine_.take_actions()) {
        if (const auto* applied = std::get_if<FaultApplied>(&action)) {
            report("fault", applied->id, applied->fault, "");
        } else if (const auto* healed = std::get_if<FaultHealed>(&action)) {
            report("heal", healed->id, healed->fault, healed->by_itself ? ", its time is over" : "");
        } else if (const auto* released = std::get_if<CommitReleased>(&action)) {
            waiting_.erase(released->ticket);
        } else if (const auto* lost = std::get_if<PowerLost>(&action)) {
            report("power_lost", lost->id, lost->fault, "");
            boost::asio::post(timer_.get_executor(), [this, fault = lost->fault] { power_lost_(fault); });
        } else {
            frozen_ = machine_.frozen();
            boost::asio::post(timer_.get_executor(),
                              [this, frozen = frozen_.load()] { frozen_changed_(frozen); });
        }
    }
    any_ = machine_.any();
    step_us_ = std::chrono::duration_cast<std::chrono::microseconds>(machine_.clock_step()).count();
    changed_.notify_all();
    boost::asio::post(timer_.get_executor(), [this] { arm(); });
}

void Faults::arm() {
    const std::lock_guard lock(mutex_);
    const std::optional<Deadline> next = machine_.next_deadline();
    if (!next || stopping_) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(io::to_steady(next->when));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        const std::lock_guard held(mutex_);
        machine_.on_timeout(io::monotonic_now());
        settle();
    });
}

void Faults::report(const char* name, const std::string& id, const Fault& fault, const std::string& more) {
    events_.report(name, describe(fault) + more,
                   {{"id", id}, {"kind", std::string("db-") + to_string(fault.kind)}});
}

}  // namespace understudy::database
