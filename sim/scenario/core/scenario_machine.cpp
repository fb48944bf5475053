// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/scenario_machine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace understudy::scenario {
namespace {

// So many attempts in a row say that clients succeed, or fail.
constexpr std::size_t attempts_that_tell = 3;
// The lab answers at once or has broken down.
constexpr Duration answer_limit = 60s;

}  // namespace

ScenarioMachine::ScenarioMachine(Scenario scenario, RegionView view, BoundOf bound, Duration now)
    : scenario_(std::move(scenario)), view_(std::move(view)), bound_(std::move(bound)) {
    view_.take_overlaps();  // what was before the run isn't the run's
    begin_step(now);
}

void ScenarioMachine::handle(const RegionEvent& event) {
    if (finished_) return;
    view_.handle(event);
    watch_always();
    judge(event.at);
}

void ScenarioMachine::fault_applied(const std::string& id, Duration now) {
    answered(id, false, now);
}
void ScenarioMachine::fault_healed(const std::string& id, Duration now) {
    answered(id, true, now);
}

void ScenarioMachine::answered(const std::string& id, bool heal, Duration now) {
    const Asked* asked = std::get_if<Asked>(&state_);
    if (finished_ || asked == nullptr || asked->id != id || asked->heal != heal) return;
    // The fault's own event may come after this answer; the next step must not see a dead host as active
    // meanwhile.
    if (!heal)
        view_.handle({now, "",
                      Event{"lab",
                            "fault_applied",
                            "",
                            {{"kind", std::string(to_string(last_fault_->kind))},
                             {"target", fmt::format("{}", fmt::join(last_fault_->targets, ","))}}}});
    next_step(now);
}

void ScenarioMachine::fault_refused(const std::string& id, const std::string& reason, Duration) {
    const Asked* asked = std::get_if<Asked>(&state_);
    if (finished_ || asked == nullptr || asked->id != id) return;
    fail(fmt::format("{} {} was refused: {}", asked->heal ? "heal" : "fault", id.empty() ? "all" : id,
                     reason));
}

void ScenarioMachine::abandon(const std::string& reason, Duration now) {
    if (!finished_) fail(fmt::format("abandoned after {}: {}; {}", in_words(now), reason, what_is(now)));
}

void ScenarioMachine::on_timeout(Duration now) {
    if (finished_) return;
    judge(now);
    if (finished_) return;
    if (const auto* waiting = std::get_if<Waiting>(&state_); waiting != nullptr && now >= waiting->until)
        return next_step(now);
    if (const auto* asked = std::get_if<Asked>(&state_); asked != nullptr && now >= asked->limit)
        fail(fmt::format("{} {} had no answer within {}", asked->heal ? "heal" : "fault",
                         asked->id.empty() ? "all" : asked->id, in_words(answer_limit)));
}

std::optional<Duration> ScenarioMachine::next_deadline() const {
    if (finished_) return std::nullopt;
    if (const auto* expecting = std::get_if<Expecting>(&state_)) {
        const Duration hold = std::get<Expect>(scenario_.steps[at_].what).hold;
        return expecting->met_since ? *expecting->met_since + hold : expecting->limit;
    }
    if (const auto* asked = std::get_if<Asked>(&state_)) return asked->limit;
    return std::get<Waiting>(state_).until;
}

std::vector<ScenarioAction> ScenarioMachine::take_actions() {
    return std::exchange(actions_, {});
}

void ScenarioMachine::begin_step(Duration now) {
    if (at_ == scenario_.steps.size()) return finish();
    const Step& step = scenario_.steps[at_];
    if (const auto* expect = std::get_if<Expect>(&step.what)) return begin_expect(*expect, now);
    if (const auto* fault = std::get_if<Fault>(&step.what)) return begin_fault(*fault, now);
    if (const auto* heal = std::get_if<Heal>(&step.what)) {
        state_ = Asked{heal->id, true, now + answer_limit};
        say(fmt::format("healing {}", heal->id.empty() ? "all faults" : heal->id));
        actions_.push_back(HealFault{heal->id});
        return;
    }
    state_ = Waiting{now + std::get<Wait>(step.what).duration};
    say(fmt::format("waiting {}", format_duration(std::get<Wait>(step.what).duration)));
}

void ScenarioMachine::begin_expect(const Expect& expect, Duration now) {
    const Duration within = expect.within ? *expect.within : bound_(last_fault_);
    state_ = Expecting{now, now + within, std::nullopt};
    say(fmt::format("expecting {} within {}", in_words(expect), in_words(within)));
    judge(now);
}

void ScenarioMachine::begin_fault(const Fault& fault, Duration now) {
    Fault resolved = fault;
    const auto targets = resolve(fault.targets);
    const auto to = resolve(fault.to);
    if (!targets || !to)
        return fail(fmt::format("{}: fault {} names a role that no host has now; {}",
                                scenario_.steps[at_].place, fault.id, what_is(now)));
    resolved.targets = *targets;
    resolved.to = *to;
    active_at_fault_.clear();
    for (const auto& [host, since] : view_.active()) active_at_fault_.push_back(host);
    last_fault_ = resolved;
    state_ = Asked{fault.id, false, now + answer_limit};
    std::string text = fmt::format("{} of {}", to_string(resolved.kind), fmt::join(resolved.targets, ", "));
    if (!resolved.to.empty()) text += fmt::format(" from {}", fmt::join(resolved.to, ", "));
    say(std::move(text));
    actions_.push_back(ApplyFault{std::move(resolved)});
}

void ScenarioMachine::next_step(Duration now) {
    ++at_;
    begin_step(now);
}

void ScenarioMachine::judge(Duration now) {
    auto* expecting = std::get_if<Expecting>(&state_);
    if (finished_ || expecting == nullptr) return;
    const Expect expect = std::get<Expect>(scenario_.steps[at_].what);
    if (!expect.within && now >= expecting->limit)
        expecting->limit = std::max(expecting->limit, expecting->since + bound_(last_fault_));
    // An event at or after the limit can't save the step; one that meets it at the limit itself does.
    const bool holds = met(expect, expecting->since);
    if (holds && !expecting->met_since && now <= expecting->limit) expecting->met_since = now;
    if (holds && expecting->met_since) {
        if (now - *expecting->met_since < expect.hold) return;
        say(fmt::format("{} after {}", in_words(expect), in_words(*expecting->met_since - expecting->since)));
        return next_step(now);
    }
    const std::string where = scenario_.steps[at_].place.empty() ? "" : scenario_.steps[at_].place + ": ";
    if (expecting->met_since && expect.hold > Duration{})
        return fail(fmt::format("{}expected {} to hold for {}; it ended after {}: {}", where,
                                in_words(expect), in_words(expect.hold),
                                in_words(now - *expecting->met_since), what_is(now)));
    if (now >= expecting->limit)
        fail(fmt::format("{}expected {} within {}; after {} {}", where, in_words(expect),
                         in_words(expecting->limit - expecting->since), in_words(now - expecting->since),
                         what_is(now)));
}

void ScenarioMachine::watch_always() {
    for (const Overlap& overlap : view_.take_overlaps())
        if (scenario_.always.at_most_one_active)
            failures_.push_back(fmt::format("two active at once: {} since {} and {} since {}",
                                            overlap.first_host, in_words(overlap.first_since),
                                            overlap.second_host, in_words(overlap.second_since)));
}

bool ScenarioMachine::met(const Expect& expect, Duration since) const {
    if (expect.active && !active_met(*expect.active)) return false;
    return !expect.clients || view_.latest_attempts(attempts_that_tell, since,
                                                    *expect.clients == ClientsExpectation::succeeding);
}

bool ScenarioMachine::active_met(const ActiveExpectation& expected) const {
    const auto& active = view_.active();
    if (expected.kind == ActiveExpectation::Kind::none) return active.empty();
    if (active.size() != 1) return false;
    const std::string& host = active.begin()->first;
    if (expected.kind == ActiveExpectation::Kind::host) return host == expected.host;
    return expected.kind == ActiveExpectation::Kind::any ||
           std::find(active_at_fault_.begin(), active_at_fault_.end(), host) == active_at_fault_.end();
}

std::string ScenarioMachine::what_is(Duration now) const {
    std::vector<std::string> active;
    for (const auto& [host, since] : view_.active()) active.push_back(host);
    std::string text =
        fmt::format("active is {}", active.empty() ? "none" : fmt::format("{}", fmt::join(active, ", ")));
    if (const auto attempt = view_.last_attempt())
        text += fmt::format("; last attempt {} {} ago{}", attempt->acknowledged ? "acknowledged" : "failed",
                            in_words(now - attempt->ended),
                            attempt->acknowledged || attempt->reason.empty() ? "" : ": " + attempt->reason);
    else
        text += "; no client attempt ended";
    if (!view_.last_probe().empty()) text += "; last probe: " + view_.last_probe();
    return text;
}

std::optional<std::vector<std::string>> ScenarioMachine::resolve(
    const std::vector<std::string>& names) const {
    std::vector<std::string> hosts;
    for (const std::string& name : names) {
        const bool wants_active = name == active_role;
        if (!wants_active && name != standby_role) {
            hosts.push_back(name);
            continue;
        }
        const auto found = std::find_if(
            view_.hosts().begin(), view_.hosts().end(),
            [&](const std::string& host) { return view_.active().contains(host) == wants_active; });
        if (found == view_.hosts().end()) return std::nullopt;
        hosts.push_back(*found);
    }
    return hosts;
}

void ScenarioMachine::fail(const std::string& reason) {
    failures_.push_back(reason);
    finish();
}

void ScenarioMachine::finish() {
    finished_ = true;
    actions_.push_back(Finished{failures_.empty(), failures_});
}

}  // namespace understudy::scenario
