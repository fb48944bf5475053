// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/mutual_exclusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace understudy::node {

RowDecision decide_claim(const std::optional<LeaseRow>& row, const LeaseIdentity& self,
                         Duration wait_interval) {
    if (!row) return InsertRow{};
    if (row->machine_name == self.machine_name) return UpdateRow{row->version};
    if (row->age > wait_interval) return UpdateRow{row->version};
    return LeaveRow{};
}

RowDecision decide_renewal(const std::optional<LeaseRow>& row, const LeaseIdentity& self) {
    if (row && row->machine_name == self.machine_name && row->pid == self.pid) return UpdateRow{row->version};
    return LeaveRow{};
}

MutualExclusionMachine::MutualExclusionMachine(LeaseIdentity self, LeaseIntervals intervals)
    : self_(std::move(self)), intervals_(intervals) {
    UNDERSTUDY_ASSERT(intervals.update > Duration::zero() && intervals.wait > intervals.update,
                      "wait_interval is greater than update_interval");
}

void MutualExclusionMachine::start(Instant now) {
    UNDERSTUDY_ASSERT(std::holds_alternative<Idle>(state_), "start() is called once");
    state_ = Claiming{now};
    actions_.emplace_back(ClaimRow{});
}

void MutualExclusionMachine::handle(const LeaseEvent& event, Instant now) {
    if (std::holds_alternative<Ended>(state_) || std::holds_alternative<Refused>(state_)) return;
    if (const auto* lost = std::get_if<DatabaseLost>(&event)) {
        const bool held = holding();
        const std::string reason = "database connection lost: " + lost->reason;
        state_ = Ended{};
        if (held) actions_.emplace_back(LeaseLost{reason});
        actions_.emplace_back(EndProcess{reason});
        return;
    }
    const auto& answer = std::get<LeaseAnswered>(event);
    if (const auto* claiming = std::get_if<Claiming>(&state_)) {
        claim_answered(Claiming(*claiming), answer, now);
    } else if (auto* held = std::get_if<Holding>(&state_)) {
        // An answer that took too long is worth nothing: another host may have taken the row since.
        if (now >= confirm_by(*held)) return on_timeout(now);
        renewal_answered(*held, answer);
    }
}

void MutualExclusionMachine::claim_answered(const Claiming& state, const LeaseAnswered& answer, Instant now) {
    if (!answer.written) {
        const LeaseRow holder =
            answer.found.value_or(LeaseRow{"another host", "unknown", 0, Duration::zero()});
        state_ = Refused{now + intervals_.wait};
        actions_.emplace_back(LeaseRefused{holder.machine_name, holder.pid, holder.age, intervals_.wait});
        return;
    }
    const std::int64_t version = answer.found ? answer.found->version + 1 : 0;
    // Renewals keep to the claim's own phase; a claim answered late is confirmed no later than it was sent.
    state_ = Holding{version, state.sent, std::max(state.sent + intervals_.update, now), std::nullopt};
    const std::string previous = answer.found ? answer.found->machine_name : std::string();
    const Duration age = answer.found ? answer.found->age : Duration::zero();
    const bool took_over = !previous.empty() && previous != self_.machine_name;
    actions_.emplace_back(LeaseTaken{version, previous, took_over, age});
}

void MutualExclusionMachine::renewal_answered(Holding& state, const LeaseAnswered& answer) {
    UNDERSTUDY_ASSERT(state.unanswered_sent.has_value(), "a renewal is answered once");
    if (!answer.found) return lose("the lease row is missing");
    if (answer.found->machine_name != self_.machine_name || answer.found->pid != self_.pid)
        return lose(fmt::format("the lease row is held by {}, process {}", answer.found->machine_name,
                                answer.found->pid));
    if (!answer.written) return lose("the lease row was changed by another process");
    state.version = answer.found->version + 1;
    state.confirmed_sent = *state.unanswered_sent;
    state.unanswered_sent.reset();
    actions_.emplace_back(LeaseRenewed{state.version});
}

void MutualExclusionMachine::lose(std::string reason, bool unconfirmed) {
    state_ = Ended{};
    actions_.emplace_back(LeaseLost{reason, unconfirmed});
    actions_.emplace_back(EndProcess{std::move(reason)});
}

void MutualExclusionMachine::on_timeout(Instant now) {
    if (const auto* claiming = std::get_if<Claiming>(&state_)) {
        if (now < claiming->sent + intervals_.confirmation_limit()) return;
        state_ = Ended{};
        actions_.emplace_back(EndProcess{fmt::format("the database did not answer the claim within {}",
                                                     format_duration(intervals_.confirmation_limit()))});
    } else if (const auto* refused = std::get_if<Refused>(&state_)) {
        if (now < refused->until) return;
        state_ = Ended{};
        actions_.emplace_back(EndProcess{"the lease is held by another host"});
    } else if (auto* held = std::get_if<Holding>(&state_)) {
        if (now >= confirm_by(*held))
            return lose(fmt::format("no renewal was confirmed for {}",
                                    format_duration(intervals_.confirmation_limit())),
                        true);
        if (held->unanswered_sent || now < held->next_renewal) return;
        held->unanswered_sent = now;
        // Fixed rate; renewals that are overdue are left out, not made up for.
        while (held->next_renewal <= now) held->next_renewal += intervals_.update;
        actions_.emplace_back(RenewRow{});
    }
}

std::optional<Deadline> MutualExclusionMachine::next_deadline() const {
    if (const auto* claiming = std::get_if<Claiming>(&state_))
        return Deadline{claiming->sent + intervals_.confirmation_limit(), "claim answered"};
    if (const auto* refused = std::get_if<Refused>(&state_))
        return Deadline{refused->until, "wait interval over"};
    if (const auto* held = std::get_if<Holding>(&state_)) {
        const Deadline confirmed{confirm_by(*held), "renewal confirmed", 0};
        if (held->unanswered_sent) return confirmed;
        return earlier(confirmed, Deadline{held->next_renewal, "renewal due", 1});
    }
    return std::nullopt;
}

std::vector<LeaseAction> MutualExclusionMachine::take_actions() {
    return std::exchange(actions_, {});
}

}  // namespace understudy::node
