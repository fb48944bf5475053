// SPDX-License-Identifier: Apache-2.0
// The ledger of faults: pure. Applying a fault gives the effects to carry out; healing one gives the effects
// that undo exactly what it did, and nothing that another fault still holds. Two faults compose by counting:
// a host is off, paused or stopped, and a link is cut, for as long as at least one fault says so. `reset` and
// `kill` are moments, not states: they have nothing to heal and are entered as healed, as is the power loss
// of a service. Several faults of one service compose there (fault_machine.hpp of storage/files/core and
// storage/database/core).
// Admission (is the fault possible now?) is decided here too and is apart from carrying it out.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/scenario/core/scenario.hpp"

namespace understudy::lab {

using scenario::FaultKind;

Result<FaultKind> parse_fault_kind(std::string_view text);

struct FaultRequest {
    FaultKind kind{};
    std::vector<std::string> targets;  // hosts
    std::vector<std::string> others;   // partition: the hosts on the other side; empty: every other host
    std::string unit = "node";         // kill and stop
    std::string name;                  // given by the user, else numbered
    std::optional<Duration> lasts;
    std::map<std::string, std::string> settings{};  // faults of services: as the service takes them
};

// "power-off a, b", "partition a from b", "kill a (node)".
std::string in_words(const FaultRequest& request);

struct Effect {
    enum class Kind {
        power_off,
        power_on,
        reset,
        pause,
        resume,
        kill_unit,
        stop_unit,
        start_unit,
        cut,
        mend,
        service_fault,
        service_heal
    };
    Kind kind;
    std::string host;
    std::string
        other;  // cut and mend: traffic from `host` to `other`; unit effects: the unit; services: the id
    // service_fault: the kind as the service calls it, then KEY=VALUE.
    std::vector<std::string> words{};
    bool operator==(const Effect&) const = default;
};

struct Fault {
    std::string id;
    FaultRequest request;
    Instant applied_at;
    std::optional<Instant> heals_at;
};

struct FaultServices {  // they are hosts, too
    std::set<std::string> files{}, databases{};
    std::set<std::string> postgresql{};  // those databases whose engine it is
};

class FaultLedger {
  public:
    explicit FaultLedger(std::set<std::string> hosts, FaultServices services = {})
        : hosts_(std::move(hosts)), services_(std::move(services)) {}

    struct Applied {
        std::string id;
        bool heals_itself;  // reset, kill
        std::vector<Effect> effects;
    };
    // Refuses unknown hosts, a name in use, a partition of a host from itself and what a service can't do
    // (bad_input).
    Result<Applied> apply(FaultRequest request, Instant now);

    // Refuses an id that is not in force (bad_input); says which are.
    Result<std::vector<Effect>> heal(const std::string& id);

    // What a service that was started again must be told once more, in the order it was applied.
    std::vector<Effect> of_service(const std::string& host) const;

    const std::vector<Fault>& in_force() const { return in_force_; }
    std::optional<Deadline> next_deadline() const;
    std::vector<std::string> due(Instant now) const;  // ids whose time is over

  private:
    using Link = std::pair<std::string, std::string>;
    Result<void> check_service(FaultKind kind, const std::string& host) const;
    std::vector<Link> links(const FaultRequest& request) const;
    std::vector<Effect> begin(const FaultRequest& request);
    std::vector<Effect> end(const FaultRequest& request);

    std::set<std::string> hosts_;
    FaultServices services_;
    std::vector<Fault> in_force_;
    std::map<std::tuple<FaultKind, std::string, std::string>, int>
        holds_;  // kind, host, unit: how many faults hold it
    std::map<Link, int> cuts_;
    int next_number_ = 1;
};

}  // namespace understudy::lab
