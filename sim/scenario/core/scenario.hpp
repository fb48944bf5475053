// SPDX-License-Identifier: Apache-2.0
// A scenario as a value: steps in order, and what must hold all through the run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::scenario {

enum class FaultKind {
    power_off,
    reset,
    pause,
    kill,
    stop,
    partition,
    // Of file services, carried out by them.
    share_stall,
    share_error,
    share_slow,
    share_read_only,
    share_cut_off,
    share_power_loss,
    // Of databases, carried out by them.
    db_freeze,
    db_refuse,
    db_slow_commits,
    db_read_only,
    db_disk_full,
    db_clock_step,
    db_power_loss
};

inline bool is_share_fault(FaultKind kind) {
    return kind >= FaultKind::share_stall && kind <= FaultKind::share_power_loss;
}
inline bool is_database_fault(FaultKind kind) {
    return kind >= FaultKind::db_freeze;
}

// What the service itself calls the fault: "stall" for share-stall, "freeze" for db-freeze.
std::string name_at_service(FaultKind kind);

// A database of `engine: postgresql` takes db-read-only. Of another database fault: what to do in its place.
const char* instead_on_postgresql(FaultKind kind);

const char* to_string(FaultKind kind);               // as in the file: "power-off"
const std::vector<std::string>& fault_kind_names();  // in the order of FaultKind

// Roles that a target or an expectation may name in place of a host.
constexpr const char* active_role = "active";    // the host whose node is active at that moment
constexpr const char* standby_role = "standby";  // a host of the same node that isn't

struct Fault {
    FaultKind kind = FaultKind::power_off;
    std::vector<std::string> targets;  // hosts or roles
    std::vector<std::string> to;       // partition: the other side's hosts; empty: everyone
    std::string id;                    // `as:` in the file, or "fault-1" and so on
    std::optional<Duration> duration;  // heals by itself after
    // Faults of services: what the kind takes. `client`, of shares, is a host or a role.
    std::map<std::string, std::string> settings{};
};

struct Heal {
    std::string id;  // of a fault; empty: all
};

struct Wait {
    Duration duration{};
};

// Which host's node is to be active. `other`: another than the one that was active when the latest fault was
// applied.
struct ActiveExpectation {
    enum class Kind { host, any, none, other };
    Kind kind = Kind::any;
    std::string host;  // when kind is host
};

enum class ClientsExpectation { succeeding, failing };

struct Expect {
    std::optional<ActiveExpectation> active;
    std::optional<ClientsExpectation> clients;
    std::optional<Duration> within;  // empty: the bound
    Duration hold{};                 // `for:`: once met it must stay so
};

struct Step {
    std::variant<Expect, Fault, Heal, Wait> what;
    std::string place;  // file:line:column, for messages
};

struct Always {
    bool at_most_one_active = false;
    std::optional<std::int64_t> lost;  // of acknowledged payments, the most allowed
    std::optional<std::int64_t> duplicated;
    // Of messages that clients running programs of their own report.
    std::optional<std::int64_t> messages_lost;
    std::optional<std::int64_t> messages_duplicated;
    std::optional<std::int64_t> messages_out_of_turn;
};

struct Scenario {
    std::string file;
    std::string name;
    std::string description;
    std::vector<Step> steps;
    Always always;
};

std::string in_words(const Expect& expect);

}  // namespace understudy::scenario
