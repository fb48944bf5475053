// SPDX-License-Identifier: Apache-2.0
// When one probe of one backend is sent, and what its results say about the backend. Pure: `now` is handed
// in.
//
//   unknown --success--> up --`unhealthy_threshold` failures in a row--> down --success--> up
//      `----the same number of failures in a row--> down
//
// Unknown counts as not healthy: nothing is routed to a backend before its first success. One success after
// down is enough. Rule: the cloud's documented "unhealthy threshold", n consecutive failures. The first probe
// is due at once; the others on a grid of their own, `offset` after the start and then every `interval`, so
// that many probes don't march in step. A probe is never started before the last one has its result.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::lb {

// The two documented and contradictory semantics of a probe's threshold.
// unhealthy_threshold: so many failures in a row take a backend down; one success brings it up.
// probe_threshold: so many results in a row either way; a refused connection, a reset or an HTTP status other
// than 200 takes it down at once.
enum class ThresholdMode { unhealthy_threshold, probe_threshold };

struct ProbeTiming {
    Duration interval = 5s;
    Duration time_limit = 5s;
    int unhealthy_threshold = 2;  // failures in a row that make a backend down; at least 1
};

// What the prober found. `text` says it in words with the figures: "connect to 192.0.2.12:10010 refused after
// 0.3 ms".
struct ProbeResult {
    bool healthy = false;
    Duration latency{0};
    std::string text;
};

enum class Health { unknown, up, down };

// unchanged: the result agrees with the state. pending: it differs, but the threshold isn't reached. changed:
// it is.
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

class ProbeMachine {
  public:
    ProbeMachine(ProbeTiming timing, Instant first_probe, Duration offset);

    // The result of the probe that runs. It must be one: a result without a probe is a defect of the driver.
    void handle(const ProbeResult& result, Instant now);
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline()
        const;  // none while a probe runs: its result comes within time_limit
    std::vector<ProbeAction> take_actions();

    Health health() const;

  private:
    struct Waiting {
        Instant due;
    };
    struct Running {};
    struct Unknown {
        int failures = 0;
    };
    struct Up {
        int failures = 0;
    };
    struct Down {
        int failures = 0;
    };
    ProbeVerdict succeeded(const ProbeResult& result);
    ProbeVerdict failed(const ProbeResult& result);

    ProbeTiming timing_;
    Instant grid_;  // when the next probe is due by the grid
    std::variant<Waiting, Running> activity_;
    std::variant<Unknown, Up, Down> standing_;
    std::vector<ProbeAction> actions_;
};

const char* to_string(Health health);
const char* to_string(ProbeChange change);

}  // namespace understudy::lb
