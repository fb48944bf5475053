// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/faults.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/io/clock.hpp"

namespace understudy::files {

Result<void> Faults::apply(const std::string& id, const Fault& fault) {
    Result<void> outcome = machine_.apply(id, fault, io::monotonic_now());
    carry_out();
    return outcome;
}

bool Faults::heal(const std::string& id) {
    const bool healed = machine_.heal(id, io::monotonic_now());
    carry_out();
    return healed;
}

boost::asio::awaitable<int> Faults::judge(std::uint64_t ticket, JudgedRequest request) {
    const Verdict verdict = machine_.judge(ticket, request, io::monotonic_now());
    if (verdict.what != Verdict::What::waits) {
        carry_out();
        co_return verdict.error;
    }
    auto waiter = std::make_shared<Waiter>(Waiter{boost::asio::steady_timer(timer_.get_executor())});
    waiter->answered.expires_at(boost::asio::steady_timer::time_point::max());
    waiters_[ticket] = waiter;
    carry_out();
    while (!waiter->decided)
        co_await waiter->answered.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return waiter->outcome;
}

void Faults::cancel(std::uint64_t ticket) {
    machine_.cancel(ticket);
    answer(ticket, given_up);
}

void Faults::answer(std::uint64_t ticket, int outcome) {
    auto found = waiters_.find(ticket);
    if (found == waiters_.end()) return;
    found->second->decided = true;
    found->second->outcome = outcome;
    found->second->answered.cancel();
    waiters_.erase(found);
}

void Faults::carry_out() {
    bool changed = false;
    for (const FaultAction& action : machine_.take_actions()) {
        if (const auto* applied = std::get_if<FaultApplied>(&action)) {
            report("fault", applied->id, applied->fault,
                   fmt::format("{}: {}", share_, describe(applied->fault)));
            changed = true;
        } else if (const auto* healed = std::get_if<FaultHealed>(&action)) {
            report("heal", healed->id, healed->fault,
                   fmt::format("{}: {}{}", share_, describe(healed->fault),
                               healed->by_itself ? ", its time is over" : ""));
            changed = true;
        } else if (const auto* released = std::get_if<RequestReleased>(&action)) {
            answer(released->ticket, released->error);
        } else {
            const auto& lost = std::get<PowerLost>(action);
            report("power_lost", lost.id, lost.fault, fmt::format("{}: {}", share_, describe(lost.fault)));
            power_lost_(lost.fault);
        }
    }
    arm();
    if (changed) changed_();
}

void Faults::arm() {
    const std::optional<Deadline> next = machine_.next_deadline();
    if (!next) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(io::to_steady(next->when));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        machine_.on_timeout(io::monotonic_now());
        carry_out();
    });
}

void Faults::report(const char* name, const std::string& id, const Fault& fault, const std::string& detail) {
    std::map<std::string, AttributeValue> attributes = {
        {"id", id}, {"share", share_}, {"kind", std::string("share-") + to_string(fault.kind)}};
    if (!fault.client.empty()) attributes["client"] = fault.client;
    if (!fault.path.empty()) attributes["path"] = fault.path;
    events_.report(name, detail, attributes);
}

}  // namespace understudy::files
