// SPDX-License-Identifier: Apache-2.0
// The faults in force on the database, and what they mean for its connections, statements and commits.
//
// How several compose:
//   1. While one freezes it, or after a power loss, nothing is accepted, read or answered, and commits wait.
//      What runs meanwhile goes on up to its commit or its answer.
//   2. A new connection is refused while one refuses it; those that are there go on.
//   3. Of those that refuse a statement (read-only, disk-full) the one applied first gives the error.
//      read-only befalls a transaction's first write: one that has written goes on, as with PostgreSQL's
//      default_transaction_read_only. disk-full befalls each statement that adds something; DELETE, TRUNCATE
//      and DROP pass, so that space can be made.
//   4. Delays of commits add up and run from the commit, or from the thaw it waited for. Healing takes away
//      what that fault added, also for commits that wait already. A rollback writes nothing and never waits.
//   5. Steps of the clock add up. Healing one takes back exactly that one: then the clock steps again.
// Limits: 64 faults; of commits that wait, the caller's. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "storage/core/fault_list.hpp"
#include "storage/database/core/fault.hpp"
#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

struct FaultApplied {
    std::string id;
    Fault fault;
};
struct FaultHealed {
    std::string id;
    Fault fault;
    bool by_itself;  // its time was over
};
struct Frozen {};  // accept and read nothing from now on
struct Thawed {};
struct CommitReleased {  // the ticket is over
    std::uint64_t ticket;
};
struct PowerLost {
    std::string id;
    Fault fault;
};
using FaultAction = std::variant<FaultApplied, FaultHealed, Frozen, Thawed, CommitReleased, PowerLost>;

class FaultMachine {
  public:
    using FaultList = storage::FaultList<Fault>;
    using InForce = FaultList::InForce;

    // Error kind bad_input: the id is in force or empty, or there are too many.
    Result<void> apply(const std::string& id, const Fault& fault, Instant now);
    bool heal(const std::string& id, Instant now);  // false: not in force

    bool any() const { return !faults_.empty() || power_lost_; }
    bool frozen() const;
    Duration clock_step() const;

    bool refuses_connection(Instant now);
    // `command` is the statement's, as in its tag: "INSERT", "CREATE TABLE"; `first`: its transaction has
    // written nothing yet. None: it may go on.
    std::optional<SqlError> judge_write(std::string_view command, bool first, Instant now);
    // False: CommitReleased{ticket} follows, unless it is cancelled first. A ticket is used once.
    bool may_commit(std::uint64_t ticket, Instant now);
    void cancel(std::uint64_t ticket);  // nothing when it doesn't wait (any more)

    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<FaultAction> take_actions();

    std::vector<InForce> in_force() const { return faults_.in_force(); }
    std::size_t commits_waiting() const { return waiting_.size(); }

  private:
    struct WaitingCommit {
        std::optional<Instant> due;                              // none: frozen
        std::vector<std::pair<std::uint64_t, Duration>> delays;  // by the fault's sequence
    };
    void removed(const FaultList::Entry& entry, bool by_itself, Instant now);
    bool starts_at_once(WaitingCommit& commit, Instant now);
    void release_due(Instant now);

    FaultList faults_;
    std::map<std::uint64_t, WaitingCommit> waiting_;  // by ticket
    bool power_lost_ = false;
    std::vector<FaultAction> actions_;
};

}  // namespace understudy::database
