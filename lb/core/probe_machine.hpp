// SPDX-License-Identifier: Apache-2.0
// When one probe of one backend is sent, and what its results say about the backend. Pure: `now` is handed
// in.
//
//   unknown --enough successes in a row--> up --enough failures in a row--> down --enough successes--> up
//      `----enough failures in a row--> down           any --suspend()--> unknown, and no probes
//
// Unknown counts as not healthy: nothing is routed to a backend before it has been up. How many results in a
// row are enough depends on the mode (the cloud documents both, and they contradict each other):
//   unhealthy_threshold: `threshold` failures; one success.
//   probe_threshold: `threshold` results either way; a hard failure is enough by itself.
// A flapping backend has to be healthy for longer: on top of that it needs one success for each time that it
// went down within the last 10 intervals before the present down, but never more than 3.
//
// The first probe is due at once; the others on a grid of their own, `offset` after the start and then every
// `interval`, so that many probes don't march in step. A probe is never started before the last one has its
// result.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::lb {

enum class ThresholdMode { unhealthy_threshold, probe_threshold };

struct ProbeTiming {
    Duration interval = 5s;
    Duration time_limit = 5s;
    int threshold = 2;  // at least 1
    ThresholdMode mode = ThresholdMode::unhealthy_threshold;
    bool operator==(const ProbeTiming&) const = default;
};

constexpr int flap_window_intervals = 10;
constexpr int most_extra_successes = 3;

// What the prober found. `text` says it in words with the figures: "connect to 192.0.2.12:10010 refused after
// 0.3 ms".
struct ProbeResult {
    bool healthy = false;
    Duration latency{0};
    std::string text;
    bool hard = false;  // a failure that leaves no doubt: refused, reset, an HTTP status other than 200
};

enum class Health { unknown, up, down };

// unchanged: the result agrees with the state. pending: it differs, but there aren't enough. changed: there
// are.
enum class ProbeChange { unchanged, pending, changed };

struct ProbeStart {};

// Never without a reason: the result's text and what it adds up to, "…, 2nd failure in a row".
struct ProbeVerdict {
    ProbeChange change = ProbeChange::unchanged;
    Health health = Health::unknown;  // after the result
    ProbeResult result;
    std::string reason;
};

using ProbeAction = std::variant<ProbeStart, ProbeVerdict>;

struct PastResult {
    Instant at;  // when the result came
    ProbeVerdict verdict;
};
constexpr std::size_t most_past_results = 10;

class ProbeMachine {
  public:
    ProbeMachine(ProbeTiming timing, Instant first_probe, Duration offset);

    // The result of the probe that runs. It must be one: a result without a probe is a defect of the driver.
    // Without effect when the machine was suspended while it ran.
    void handle(const ProbeResult& result, Instant now);
    void on_timeout(Instant now);
    // None while a probe runs, whose result comes within time_limit, or while suspended.
    std::optional<Deadline> next_deadline() const;
    std::vector<ProbeAction> take_actions();

    // No probes, and nothing known, until resume(); the first probe is due then, or when the one that still
    // runs has its result.
    void suspend();
    void resume(Instant now);

    // What is known of the backend, what has been counted and the probe that runs, of a machine for the same
    // probe and backend before a reload. With the same timing the grid stays too.
    void take_over(const ProbeMachine& before, Instant now);

    Health health() const { return health_; }
    bool suspended() const { return std::holds_alternative<Suspended>(activity_); }
    const std::deque<PastResult>& past() const { return past_; }  // oldest first
    const std::optional<PastResult>& last_change() const { return last_change_; }

  private:
    struct Waiting {
        Instant due;
    };
    struct Running {
        bool counts = true;
    };
    struct Suspended {
        bool running = false;  // the result of a probe is still to come
    };
    ProbeVerdict succeeded(const ProbeResult& result, Instant now);
    ProbeVerdict failed(const ProbeResult& result, Instant now);
    int recent_downs(Instant now) const;

    ProbeTiming timing_;
    Instant grid_;  // when the next probe is due by the grid
    std::variant<Waiting, Running, Suspended> activity_;
    Health health_ = Health::unknown;
    int failures_ = 0;           // in a row
    int successes_ = 0;          // in a row
    std::deque<Instant> downs_;  // when it went down, the latest ones, oldest first
    std::deque<PastResult> past_;
    std::optional<PastResult> last_change_;
    std::vector<ProbeAction> actions_;
};

const char* to_string(Health health);
const char* to_string(ProbeChange change);

}  // namespace understudy::lb
