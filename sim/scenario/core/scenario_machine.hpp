// SPDX-License-Identifier: Apache-2.0
// Walks a scenario through a region: region events in, faults to apply and heal and at last a verdict out.
// Times are counted from the region's start, like the events'.
//
//   expecting ──met──▶ (holding ──held──▶) next step;  ──`within` passed──▶ failed
//   applying, healing ──told so by the lab──▶ next step;  ──a minute without an answer──▶ failed
//   waiting ──time──▶ next step
//   after the last step ──▶ finished; `always` is watched until then
//
// A failed step ends the run. A broken `always` is noted and the run goes on, so that the report shows what
// came of it. `within: bound` is what the caller's Bound says when the step begins, or at its limit if that
// is more by then: on a slow machine there may have been more than one failover. Pure; one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/scenario/core/region_view.hpp"
#include "sim/scenario/core/scenario.hpp"

namespace understudy::scenario {

struct ApplyFault {
    Fault fault;  // roles replaced by hosts
};
struct HealFault {
    std::string id;  // empty: all
};
struct Progress {
    std::string text;  // one line for people
};
// Steps are over. Payments are judged afterwards by judge_payments(), once both parties' books were compared.
struct Finished {
    bool passed = false;
    std::vector<std::string> failures;
};
using ScenarioAction = std::variant<ApplyFault, HealFault, Progress, Finished>;

class ScenarioMachine {
  public:
    // Gives the bound for the fault applied last, as it is now; nothing before the first fault.
    using BoundOf = std::function<Duration(const std::optional<Fault>&)>;

    // `hosts` carry the highly available node. The run begins at `now`, with the view of a region that runs
    // already.
    ScenarioMachine(Scenario scenario, RegionView view, BoundOf bound, Duration now);

    void handle(const RegionEvent& event);  // event.at is the current time
    // The lab's answers to ApplyFault and HealFault. An error fails the run.
    void fault_applied(const std::string& id, Duration now);
    void fault_healed(const std::string& id, Duration now);
    void fault_refused(const std::string& id, const std::string& reason, Duration now);
    // Something outside the scenario ends it: a time limit, the user.
    void abandon(const std::string& reason, Duration now);
    void on_timeout(Duration now);

    std::optional<Duration> next_deadline() const;
    std::vector<ScenarioAction> take_actions();

    bool finished() const { return finished_; }
    const std::vector<std::string>& failures() const { return failures_; }
    const RegionView& view() const { return view_; }

  private:
    struct Expecting {
        Duration since{};
        Duration limit{};
        std::optional<Duration> met_since;  // while it holds, for `for:`
    };
    struct Asked {  // the lab, to apply or to heal
        std::string id;
        bool heal = false;
        Duration limit{};
    };
    struct Waiting {
        Duration until{};
    };
    using State = std::variant<Expecting, Asked, Waiting>;

    void begin_step(Duration now);
    void begin_expect(const Expect& expect, Duration now);
    void begin_fault(const Fault& fault, Duration now);
    void next_step(Duration now);
    void answered(const std::string& id, bool heal, Duration now);
    void judge(Duration now);
    void watch_always();
    bool met(const Expect& expect, Duration since) const;
    bool active_met(const ActiveExpectation& expected) const;
    std::string what_is(Duration now) const;
    std::optional<std::vector<std::string>> resolve(const std::vector<std::string>& names) const;
    void fail(const std::string& reason);
    void finish();
    void say(std::string text) { actions_.push_back(Progress{std::move(text)}); }

    Scenario scenario_;
    RegionView view_;
    BoundOf bound_;
    std::size_t at_ = 0;
    State state_ = State(std::in_place_type<Waiting>, Waiting{Duration{}});
    std::optional<Fault> last_fault_;
    std::vector<std::string> active_at_fault_;
    std::vector<ScenarioAction> actions_;
    std::vector<std::string> failures_;
    bool finished_ = false;
};

}  // namespace understudy::scenario
