// SPDX-License-Identifier: Apache-2.0
#include "lb/core/probe_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace understudy::lb {
namespace {

std::string ordinal(int number) {
    const int tens = number % 100;
    const char* suffix = "th";
    if (tens < 11 || tens > 13) {
        if (number % 10 == 1) suffix = "st";
        if (number % 10 == 2) suffix = "nd";
        if (number % 10 == 3) suffix = "rd";
    }
    return fmt::format("{}{}", number, suffix);
}

// Counts stop here, far above any threshold, rather than overflow in a year of results.
constexpr int highest_count = 1'000'000'000;

void check(const ProbeTiming& timing, Duration offset) {
    UNDERSTUDY_ASSERT(timing.interval > Duration(0), "a probe interval is positive");
    UNDERSTUDY_ASSERT(timing.threshold >= 1, "a threshold is at least one");
    UNDERSTUDY_ASSERT(offset >= Duration(0) && offset < timing.interval,
                      "an offset lies within the interval");
}

}  // namespace

ProbeMachine::ProbeMachine(ProbeTiming timing, Instant first_probe, Duration offset)
    : timing_(timing),
      grid_(first_probe + (offset > Duration(0) ? offset : timing.interval)),
      activity_(Waiting{first_probe}) {
    check(timing, offset);
}

void ProbeMachine::take_over(const ProbeMachine& before, Instant now) {
    const ProbeTiming timing = timing_;
    const Instant grid = grid_;
    *this = before;
    actions_.clear();
    if (timing_ == timing) return;
    timing_ = timing;
    grid_ = grid;
    if (auto* waiting = std::get_if<Waiting>(&activity_))
        waiting->due = std::min(waiting->due, std::max(grid, now));
}

void ProbeMachine::on_timeout(Instant now) {
    const auto* waiting = std::get_if<Waiting>(&activity_);
    if (waiting == nullptr || now < waiting->due) return;
    // Grid points that a late call missed are left out, not made up for.
    if (grid_ <= now) grid_ += ((now - grid_) / timing_.interval + 1) * timing_.interval;
    activity_ = Running{};
    actions_.emplace_back(ProbeStart{});
}

void ProbeMachine::handle(const ProbeResult& result, Instant now) {
    if (auto* suspended = std::get_if<Suspended>(&activity_)) {
        UNDERSTUDY_ASSERT(suspended->running, "a result belongs to a running probe");
        suspended->running = false;
        return;
    }
    const auto* running = std::get_if<Running>(&activity_);
    UNDERSTUDY_ASSERT(running != nullptr, "a result belongs to a running probe");
    if (!running->counts) {  // of before the suspension: the first probe after it is still due
        activity_ = Waiting{now};
        return;
    }
    activity_ = Waiting{std::max(grid_, now)};
    ProbeVerdict verdict = result.healthy ? succeeded(result, now) : failed(result, now);
    past_.push_back({now, verdict});
    if (past_.size() > most_past_results) past_.pop_front();
    if (verdict.change == ProbeChange::changed) last_change_ = past_.back();
    actions_.emplace_back(std::move(verdict));
}

void ProbeMachine::suspend() {
    if (suspended()) return;
    activity_ = Suspended{std::holds_alternative<Running>(activity_)};
    health_ = Health::unknown;
    failures_ = 0;
    successes_ = 0;
    last_change_.reset();
}

void ProbeMachine::resume(Instant now) {
    const auto* suspended = std::get_if<Suspended>(&activity_);
    if (suspended == nullptr) return;
    if (suspended->running)
        activity_ = Running{.counts = false};
    else
        activity_ = Waiting{now};
}

int ProbeMachine::recent_downs(Instant now) const {
    return static_cast<int>(std::count_if(downs_.begin(), downs_.end(), [&](Instant down) {
        return now - down <= flap_window_intervals * timing_.interval;
    }));
}

ProbeVerdict ProbeMachine::succeeded(const ProbeResult& result, Instant now) {
    const int failures = std::exchange(failures_, 0);
    successes_ = std::min(successes_ + 1, highest_count);
    ProbeVerdict verdict{ProbeChange::unchanged, health_, result, result.text};
    if (health_ == Health::up) return verdict;
    // The present down is not counted against the backend: one success after a lone down is enough.
    const int downs = recent_downs(now);
    const int extra = std::clamp(health_ == Health::down ? downs - 1 : downs, 0, most_extra_successes);
    const int needed = (timing_.mode == ThresholdMode::probe_threshold ? timing_.threshold : 1) + extra;
    verdict.change = successes_ >= needed ? ProbeChange::changed : ProbeChange::pending;
    if (successes_ > 1 || needed > 1)
        verdict.reason += fmt::format(", {} success in a row of {} needed", ordinal(successes_), needed);
    else if (failures > 1)
        verdict.reason += fmt::format(", first success after {} failures in a row", failures);
    else
        verdict.reason += failures == 1 ? ", first success after 1 failure" : ", first success";
    if (extra > 0)
        verdict.reason += fmt::format(", {} of them because it went down {} within {}", extra,
                                      downs == 1 ? "once" : fmt::format("{} times", downs),
                                      format_duration(flap_window_intervals * timing_.interval));
    if (verdict.change == ProbeChange::changed) health_ = verdict.health = Health::up;
    return verdict;
}

ProbeVerdict ProbeMachine::failed(const ProbeResult& result, Instant now) {
    successes_ = 0;
    failures_ = std::min(failures_ + 1, highest_count);
    ProbeVerdict verdict{ProbeChange::unchanged, health_, result,
                         fmt::format("{}, {} failure in a row", result.text, ordinal(failures_))};
    if (health_ == Health::down) return verdict;
    const bool at_once = timing_.mode == ThresholdMode::probe_threshold && result.hard;
    if (failures_ < timing_.threshold && !at_once) {
        verdict.change = ProbeChange::pending;
        return verdict;
    }
    if (failures_ < timing_.threshold) verdict.reason += ", and one so plain is enough";
    health_ = verdict.health = Health::down;
    verdict.change = ProbeChange::changed;
    downs_.push_back(now);
    if (downs_.size() > most_extra_successes + 1) downs_.pop_front();
    return verdict;
}

std::optional<Deadline> ProbeMachine::next_deadline() const {
    const auto* waiting = std::get_if<Waiting>(&activity_);
    if (waiting == nullptr) return std::nullopt;
    return Deadline{waiting->due, "the next probe is due"};
}

std::vector<ProbeAction> ProbeMachine::take_actions() {
    return std::exchange(actions_, {});
}

const char* to_string(Health health) {
    switch (health) {
        case Health::unknown:
            return "unknown";
        case Health::up:
            return "up";
        case Health::down:
            return "down";
    }
    invariant_broken("health", "a Health outside the enumeration", __FILE__, __LINE__);
}

const char* to_string(ProbeChange change) {
    switch (change) {
        case ProbeChange::unchanged:
            return "unchanged";
        case ProbeChange::pending:
            return "pending";
        case ProbeChange::changed:
            return "changed";
    }
    invariant_broken("change", "a ProbeChange outside the enumeration", __FILE__, __LINE__);
}

}  // namespace understudy::lb
