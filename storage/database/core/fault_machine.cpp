// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/fault_machine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"

namespace understudy::database {
namespace {

using FaultEntry = FaultMachine::FaultList::Entry;

bool adds_something(std::string_view command) {
    for (const std::string_view frees : {"DELETE", "TRUNCATE", "DROP", "SELECT", "LOCK"})
        if (command.starts_with(frees)) return false;
    return true;
}

}  // namespace

Result<void> FaultMachine::apply(const std::string& id, const Fault& fault, Instant now) {
    on_timeout(now);
    const bool was_frozen = frozen();
    if (fault.kind == FaultKind::power_loss) {
        UNDERSTUDY_CHECK(faults_.check_id(id));
        power_lost_ = true;
        actions_.push_back(PowerLost{id, fault});
    } else {
        UNDERSTUDY_CHECK(faults_.add(id, fault, now));
        actions_.push_back(FaultApplied{id, fault});
    }
    if (!was_frozen && frozen()) {
        // A commit that only waits for its time isn't on the disk yet.
        for (auto& [ticket, commit] : waiting_) commit = {};
        actions_.push_back(Frozen{});
    }
    return {};
}

bool FaultMachine::heal(const std::string& id, Instant now) {
    on_timeout(now);
    const auto entry = faults_.take(id);
    if (!entry) return false;
    removed(*entry, false, now);
    return true;
}

void FaultMachine::removed(const FaultEntry& entry, bool by_itself, Instant now) {
    actions_.push_back(FaultHealed{entry.shown.id, entry.shown.fault, by_itself});
    for (auto& [ticket, commit] : waiting_)
        for (const auto& [by, delay] : commit.delays)
            if (by == entry.sequence) *commit.due -= delay;
    if (entry.shown.fault.kind == FaultKind::freeze && !frozen()) {
        actions_.push_back(Thawed{});
        for (auto& [ticket, commit] : waiting_)
            if (starts_at_once(commit, now)) commit.due = now;
    }
    release_due(now);
}

bool FaultMachine::frozen() const {
    return power_lost_ ||
           std::any_of(faults_.entries().begin(), faults_.entries().end(),
                       [](const FaultEntry& it) { return it.shown.fault.kind == FaultKind::freeze; });
}

Duration FaultMachine::clock_step() const {
    Duration step{0};
    for (const FaultEntry& it : faults_.entries()) step += it.shown.fault.step;
    return step;
}

bool FaultMachine::refuses_connection(Instant now) {
    on_timeout(now);
    for (FaultEntry& it : faults_.entries()) {
        if (it.shown.fault.kind != FaultKind::refuse) continue;
        ++it.shown.befell;
        return true;
    }
    return false;
}

std::optional<SqlError> FaultMachine::judge_write(std::string_view command, bool first, Instant now) {
    on_timeout(now);
    std::optional<SqlError> error;
    for (FaultEntry& it : faults_.entries()) {
        const FaultKind kind = it.shown.fault.kind;
        std::optional<SqlError> own;
        if (kind == FaultKind::read_only && first)
            own = SqlError{sqlstate::read_only_transaction,
                           fmt::format("cannot execute {} in a read-only transaction", command)};
        else if (kind == FaultKind::disk_full && adds_something(command))
            own = SqlError{sqlstate::disk_full, "could not extend file: No space left on device",
                           "Check free disk space."};
        if (!own) continue;
        ++it.shown.befell;
        if (!error) error = std::move(own);
    }
    return error;
}

bool FaultMachine::starts_at_once(WaitingCommit& commit, Instant now) {
    Duration total{0};
    commit = {};
    for (FaultEntry& it : faults_.entries()) {
        if (it.shown.fault.kind != FaultKind::slow_commits) continue;
        ++it.shown.befell;
        total += it.shown.fault.latency;
        commit.delays.emplace_back(it.sequence, it.shown.fault.latency);
    }
    if (total == Duration::zero()) return true;
    commit.due = now + total;
    return false;
}

bool FaultMachine::may_commit(std::uint64_t ticket, Instant now) {
    UNDERSTUDY_ASSERT(!waiting_.contains(ticket), "a ticket is used once");
    on_timeout(now);
    WaitingCommit commit;
    if (!frozen() && starts_at_once(commit, now)) return true;
    for (FaultEntry& it : faults_.entries())
        if (frozen() && it.shown.fault.kind == FaultKind::freeze) ++it.shown.befell;
    waiting_[ticket] = std::move(commit);
    return false;
}

void FaultMachine::cancel(std::uint64_t ticket) {
    waiting_.erase(ticket);
}

void FaultMachine::release_due(Instant now) {
    if (frozen()) return;
    std::vector<std::pair<Instant, std::uint64_t>> due;
    for (const auto& [ticket, commit] : waiting_)
        if (commit.due && *commit.due <= now) due.emplace_back(*commit.due, ticket);
    std::sort(due.begin(), due.end());
    for (const auto& [when, ticket] : due) {
        actions_.push_back(CommitReleased{ticket});
        waiting_.erase(ticket);
    }
}

void FaultMachine::on_timeout(Instant now) {
    while (const auto entry = faults_.take_ended(now)) removed(*entry, true, now);
    release_due(now);
}

std::optional<Deadline> FaultMachine::next_deadline() const {
    std::optional<Deadline> next = faults_.next_deadline();
    if (frozen()) return next;
    for (const auto& [ticket, commit] : waiting_)
        if (commit.due) next = earlier(next, Deadline{*commit.due, "delayed commit goes on", ticket});
    return next;
}

std::vector<FaultAction> FaultMachine::take_actions() {
    return std::exchange(actions_, {});
}

}  // namespace understudy::database
