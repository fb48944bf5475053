// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/fault_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/assert.hpp"
#include "storage/files/core/glob.hpp"

namespace understudy::files {
namespace {

bool is_about(const Fault& fault, const JudgedRequest& request) {
    if (!fault.client.empty() && fault.client != request.client) return false;
    if (fault.path.empty()) return true;
    return matches_glob(fault.path, request.path) ||
           (!request.other_path.empty() && matches_glob(fault.path, request.other_path));
}

bool befalls(int error, const JudgedRequest& request) {
    return (error != ENOSPC && error != EDQUOT) || request.needs_space;
}

Duration time_of(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    return Duration(std::llround(static_cast<double>(bytes) * 1e9 / static_cast<double>(bytes_per_second)));
}

}  // namespace

Result<void> FaultMachine::apply(const std::string& id, const Fault& fault, Instant now) {
    on_timeout(now);
    if (fault.kind == FaultKind::power_loss) {
        UNDERSTUDY_CHECK(faults_.check_id(id));
        power_lost_ = true;
        actions_.push_back(PowerLost{id, fault});
        return {};
    }
    UNDERSTUDY_CHECK(faults_.add(id, fault, now, {Random(fault.seed), now}));
    actions_.push_back(FaultApplied{id, fault});
    return {};
}

bool FaultMachine::heal(const std::string& id, Instant now) {
    on_timeout(now);
    const auto entry = faults_.take(id);
    if (!entry) return false;
    removed(*entry, false, now);
    return true;
}

void FaultMachine::removed(const FaultList::Entry& entry, bool by_itself, Instant now) {
    actions_.push_back(FaultHealed{entry.shown.id, entry.shown.fault, by_itself});
    for (auto& [ticket, waiting] : waiting_)
        for (const auto& [by, delay] : waiting.delays)
            if (by == entry.sequence) *waiting.due -= delay;
    release_due(now);
    release_stalled(now);
}

bool FaultMachine::is_cut_off(std::string_view client) const {
    return power_lost_ ||
           std::any_of(faults_.entries().begin(), faults_.entries().end(), [&](const FaultList::Entry& it) {
               return it.shown.fault.kind == FaultKind::cut_off && it.shown.fault.client == client;
           });
}

bool FaultMachine::stalls(const JudgedRequest& request) {
    if (power_lost_) return true;
    for (FaultList::Entry& it : faults_.entries()) {
        const FaultKind kind = it.shown.fault.kind;
        if ((kind != FaultKind::stall && kind != FaultKind::cut_off) || !is_about(it.shown.fault, request))
            continue;
        ++it.shown.befell;
        return true;
    }
    return false;
}

Verdict FaultMachine::judge(std::uint64_t ticket, const JudgedRequest& request, Instant now) {
    UNDERSTUDY_ASSERT(!waiting_.contains(ticket), "a ticket is used once");
    on_timeout(now);
    if (stalls(request)) {
        waiting_[ticket].request = request;
        return {Verdict::What::waits, 0};
    }
    return judge_unstalled(ticket, request, now);
}

Verdict FaultMachine::judge_unstalled(std::uint64_t ticket, const JudgedRequest& request, Instant now) {
    int error = 0;
    Waiting waiting{request, now, 0, {}};
    for (FaultList::Entry& it : faults_.entries()) {
        const Fault& fault = it.shown.fault;
        if (!is_about(fault, request)) continue;
        bool befell = false;
        if (fault.kind == FaultKind::read_only && request.changes) {
            befell = true;
            if (error == 0) error = EROFS;
        } else if (fault.kind == FaultKind::error && befalls(fault.error, request) &&
                   it.extra.draws.chance(fault.rate)) {
            befell = true;
            if (error == 0) error = fault.error;
        } else if (fault.kind == FaultKind::slow) {
            befell = true;
            Duration delay = fault.latency;
            if (fault.bytes_per_second > 0) {
                it.extra.busy_until =
                    std::max(it.extra.busy_until, now) + time_of(request.bytes, fault.bytes_per_second);
                delay += it.extra.busy_until - now;
            }
            *waiting.due += delay;
            waiting.delays.emplace_back(it.sequence, delay);
        }
        it.shown.befell += befell ? 1 : 0;
    }
    if (*waiting.due > now) {
        waiting.error = error;
        waiting_[ticket] = std::move(waiting);
        return {Verdict::What::waits, 0};
    }
    return {error == 0 ? Verdict::What::passes : Verdict::What::refused, error};
}

void FaultMachine::cancel(std::uint64_t ticket) {
    waiting_.erase(ticket);
}

void FaultMachine::release_stalled(Instant now) {
    std::vector<std::uint64_t> stalled;
    for (const auto& [ticket, waiting] : waiting_)
        if (!waiting.due) stalled.push_back(ticket);
    for (std::uint64_t ticket : stalled) {
        auto found = waiting_.find(ticket);
        if (stalls(found->second.request)) continue;
        const JudgedRequest request = std::move(found->second.request);
        waiting_.erase(found);
        const Verdict verdict = judge_unstalled(ticket, request, now);
        if (verdict.what != Verdict::What::waits) actions_.push_back(RequestReleased{ticket, verdict.error});
    }
}

void FaultMachine::release_due(Instant now) {
    std::vector<std::pair<Instant, std::uint64_t>> due;
    if (power_lost_) return;
    for (const auto& [ticket, waiting] : waiting_)
        if (waiting.due && *waiting.due <= now) due.emplace_back(*waiting.due, ticket);
    std::sort(due.begin(), due.end());
    for (const auto& [when, ticket] : due) {
        actions_.push_back(RequestReleased{ticket, waiting_.at(ticket).error});
        waiting_.erase(ticket);
    }
}

void FaultMachine::on_timeout(Instant now) {
    while (const auto entry = faults_.take_ended(now)) removed(*entry, true, now);
    release_due(now);
}

std::optional<Deadline> FaultMachine::next_deadline() const {
    std::optional<Deadline> next = faults_.next_deadline();
    if (power_lost_) return next;
    for (const auto& [ticket, waiting] : waiting_)
        if (waiting.due) next = earlier(next, Deadline{*waiting.due, "delayed request goes on", ticket});
    return next;
}

std::vector<FaultAction> FaultMachine::take_actions() {
    return std::exchange(actions_, {});
}

}  // namespace understudy::files
