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

// Counts stop here, far above any threshold, rather than overflow in a year of failures.
constexpr int most_failures = 1'000'000'000;

}  // namespace

ProbeMachine::ProbeMachine(ProbeTiming timing, Instant first_probe, Duration offset)
    : timing_(timing),
      grid_(first_probe + (offset > Duration(0) ? offset : timing.interval)),
      activity_(Waiting{first_probe}),
      standing_(Unknown{}) {
    UNDERSTUDY_ASSERT(timing.interval > Duration(0), "a probe interval is positive");
    UNDERSTUDY_ASSERT(timing.unhealthy_threshold >= 1, "an unhealthy threshold is at least one");
    UNDERSTUDY_ASSERT(offset >= Duration(0) && offset < timing.interval,
                      "an offset lies within the interval");
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
    UNDERSTUDY_ASSERT(std::holds_alternative<Running>(activity_), "a result belongs to a running probe");
    activity_ = Waiting{std::max(grid_, now)};
    actions_.emplace_back(result.healthy ? succeeded(result) : failed(result));
}

ProbeVerdict ProbeMachine::succeeded(const ProbeResult& result) {
    ProbeVerdict verdict{ProbeChange::changed, Health::up, result, result.text};
    if (std::holds_alternative<Unknown>(standing_)) {
        verdict.reason += ", first success";
    } else if (const auto* down = std::get_if<Down>(&standing_)) {
        verdict.reason += down->failures == 1
                              ? ", first success after 1 failure"
                              : fmt::format(", first success after {} failures in a row", down->failures);
    } else {
        verdict.change = ProbeChange::unchanged;
    }
    standing_ = Up{};
    return verdict;
}

ProbeVerdict ProbeMachine::failed(const ProbeResult& result) {
    const int failures = std::visit(
        [](auto& held) { return held.failures = std::min(held.failures + 1, most_failures); }, standing_);
    ProbeVerdict verdict{ProbeChange::unchanged, health(), result,
                         fmt::format("{}, {} failure in a row", result.text, ordinal(failures))};
    if (std::holds_alternative<Down>(standing_)) return verdict;
    if (failures < timing_.unhealthy_threshold) {
        verdict.change = ProbeChange::pending;
        return verdict;
    }
    standing_ = Down{failures};
    verdict.change = ProbeChange::changed;
    verdict.health = Health::down;
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

Health ProbeMachine::health() const {
    if (std::holds_alternative<Up>(standing_)) return Health::up;
    return std::holds_alternative<Down>(standing_) ? Health::down : Health::unknown;
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
