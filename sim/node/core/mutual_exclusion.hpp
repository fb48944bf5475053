// SPDX-License-Identifier: Apache-2.0
// The node's mutual exclusion: which of several hosts of one legal identity is active is decided by one row
// in the table node_mutual_exclusion of the database they share. Pure: the driver carries actions out and
// feeds answers in.
//
//   claiming --row taken--> holding --renewed every update_interval--> holding
//      |                       '--row missing or another's, version moved, database lost, not confirmed in
//      time--> ended
//      '--refused--> refused --wait_interval slept--> ended          (the host's agent restarts the process)
//
// Source of the rule: the documented behaviour of hot/cold nodes. The row's age is the database's clock on
// both sides, so hosts' clocks don't matter. Stricter than the original in one point: a holder ends by itself
// when no renewal was confirmed until (the send time of the last confirmed one + the midpoint between
// update_interval and wait_interval). Without it a database that swallows packets would leave the holder's
// ports open while another host takes over. Not covered, as in the original: a host that is paused as a
// whole, clock included, serves on after it resumes until its next renewal is answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::node {

struct LeaseIdentity {
    std::string machine_name;  // "<base_directory>/<machine_name>"; two hosts that share it exclude nothing
    std::string pid;
};

struct LeaseIntervals {
    Duration update{};
    Duration wait{};  // greater than update
    Duration confirmation_limit() const { return update + (wait - update) / 2; }
};

// The row as one statement read it; age is the database's time now less the row's timestamp.
struct LeaseRow {
    std::string machine_name;
    std::string pid;
    std::int64_t version = 0;
    Duration age{};
};

// What a claim or a renewal may do with the row it has read. An update is conditional on the version read.
struct InsertRow {};
struct UpdateRow {
    std::int64_t expected_version;
};
struct LeaveRow {};
using RowDecision = std::variant<InsertRow, UpdateRow, LeaveRow>;

RowDecision decide_claim(const std::optional<LeaseRow>& row, const LeaseIdentity& self,
                         Duration wait_interval);
RowDecision decide_renewal(const std::optional<LeaseRow>& row, const LeaseIdentity& self);

// Events. `found` is the row before the write; `written` says that the conditional write matched and is
// committed.
struct LeaseAnswered {
    std::optional<LeaseRow> found;
    bool written = false;
};
struct DatabaseLost {
    std::string reason;
};
using LeaseEvent = std::variant<LeaseAnswered, DatabaseLost>;

// Actions. ClaimRow and RenewRow ask for one read and one conditional write; exactly one is unanswered at a
// time.
struct ClaimRow {};
struct RenewRow {};
struct LeaseRefused {
    std::string holder;
    std::string holder_pid;
    Duration age;
    Duration wait;
};
struct LeaseTaken {
    std::int64_t version;
    std::string previous_holder;  // empty when there was no row
    bool took_over;               // from another machine_name
    Duration previous_age;        // of the row that was taken
};
struct LeaseRenewed {
    std::int64_t version;
};
struct LeaseLost {
    std::string reason;
    bool unconfirmed = false;  // nothing else is known to be wrong: the answer took too long
};
struct EndProcess {
    std::string reason;
};
using LeaseAction =
    std::variant<ClaimRow, RenewRow, LeaseRefused, LeaseTaken, LeaseRenewed, LeaseLost, EndProcess>;

class MutualExclusionMachine {
  public:
    MutualExclusionMachine(LeaseIdentity self, LeaseIntervals intervals);

    void start(Instant now);  // once
    void handle(const LeaseEvent& event, Instant now);
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<LeaseAction> take_actions();

    bool holding() const { return std::holds_alternative<Holding>(state_); }

  private:
    struct Idle {};
    struct Claiming {
        Instant sent;
    };
    struct Refused {
        Instant until;
    };
    struct Holding {
        std::int64_t version;
        Instant confirmed_sent;  // when the last renewal known to be committed was sent
        Instant next_renewal;
        std::optional<Instant> unanswered_sent;
    };
    struct Ended {};
    using State = std::variant<Idle, Claiming, Refused, Holding, Ended>;

    void claim_answered(const Claiming& state, const LeaseAnswered& answer, Instant now);
    void renewal_answered(Holding& state, const LeaseAnswered& answer);
    void lose(std::string reason, bool unconfirmed = false);
    Instant confirm_by(const Holding& state) const {
        return state.confirmed_sent + intervals_.confirmation_limit();
    }

    LeaseIdentity self_;
    LeaseIntervals intervals_;
    State state_ = Idle{};
    std::vector<LeaseAction> actions_;
};

}  // namespace understudy::node
