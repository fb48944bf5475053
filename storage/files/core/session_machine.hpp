// SPDX-License-Identifier: Apache-2.0
// Client sessions of one share, their leases, and the locks they hold.
//
//   (none) --attach--> live --lease ended--> expired (its locks are free; resuming it is refused)
//                       |  \--newer incarnation of the same client--> superseded (its locks are free at once)
//                       \--end (clean unmount)--> closed
//
// A client is a name; an incarnation is one life of it (a mount process). Losing the connection changes
// nothing: only the lease, counted from the last message, frees a dead client's locks. A new incarnation
// proves that the old life is over. A dead incarnation never comes back, so a stale client is never handed a
// lock again. After the server itself was restarted, restore() names the sessions that were live: until each
// of them has said that it has reclaimed its locks, has ended, or has had its whole lease to do so, only
// reclaims are granted. One thread.
//
// Locks can be waited for (lock_waiters.hpp); a waiter ends with its session, and waits through the time of
// reclaims. A request that doesn't wait is not kept back by those that do, as with fcntl. A reclaim never
// waits. Exclusive locks are numbered for fencing (fence_table.hpp). Limits: 256 clients, 4096 locks and 128
// waiters a session, 4096 waiters in all; beyond that a request is answered as one that doesn't wait.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "storage/files/core/client_name.hpp"
#include "storage/files/core/delegation.hpp"
#include "storage/files/core/fence_table.hpp"
#include "storage/files/core/lock_table.hpp"
#include "storage/files/core/lock_waiters.hpp"
#include "storage/files/core/session_record.hpp"

namespace understudy::files {

constexpr std::size_t max_clients = 256;
constexpr std::size_t max_locks_per_session = 4096;
constexpr std::size_t max_waiters_per_session = 128;
constexpr std::size_t max_waiters = 4096;

// Tlock's client_id tells the space: what begins with "flock:" is a whole-file lock.
constexpr std::string_view whole_file_prefix = "flock:";
LockedFile locked_file(std::uint64_t inode, const std::string& client_id);

// The attribute of any file that tells the share's client lease, in milliseconds as decimal text.
constexpr std::string_view lease_attribute = "user.understudy.client_lease_ms";
// The fencing number of the latest exclusive lock on a file, as decimal text; of the root: the share's.
constexpr std::string_view fence_attribute = "user.understudy.fence";
// Of the root: the fid that Txattrwalk makes of it is the share's delegation (delegation.hpp).
constexpr std::string_view delegation_attribute = "user.understudy.delegation";

struct SessionOpened {
    std::uint64_t session;
    std::string client;
    bool resumed;
};
struct SessionEnded {
    std::uint64_t session;
    std::string client;
    std::string reason;
};  // the client's wish, or superseded
struct SessionExpired {
    std::uint64_t session;
    std::string client;
};
struct LockChanged {
    enum class What { granted, released, refused, expired, waits } what;
    std::string client;
    LockedFile file;
    LockRange range;
    std::string holder;  // for refused and waits: the client in the way; waits: empty behind other waiters
};
struct FencesChanged {};  // they are kept with the live sessions
struct WriteFenced {      // once for each session and file
    std::string client;
    std::uint64_t inode;
    std::uint64_t carried, latest;
};

enum class LockOutcome { granted, conflict, grace, too_many, stale, deadlock, waits, cancelled };

struct WaiterAnswered {  // granted, too_many, stale or cancelled; the ticket is over
    std::uint64_t ticket;
    LockOutcome outcome;
};
// What the driver must do, in this order: keep the record (if sessions or fences changed), close connections,
// report and answer.
using SessionAction = std::variant<SessionOpened, SessionEnded, SessionExpired, LockChanged, FencesChanged,
                                   WriteFenced, WaiterAnswered>;

struct Attached {
    std::uint64_t session;
};
struct AttachRefused {
    std::string reason;
    bool stale;
};  // stale: that incarnation is dead, begin a new one
using AttachOutcome = std::variant<Attached, AttachRefused>;

class SessionMachine {
  public:
    explicit SessionMachine(Duration lease, Duration delegate_after = 1s)
        : lease_(lease), delegation_(lease, delegate_after) {}

    using LiveSession = SessionRecord::Live;
    void restore(const SessionRecord& record, Instant now);
    SessionRecord record() const;  // what restore() wants after a restart

    AttachOutcome attach(const ClientName& name, Instant now);
    void heard(std::uint64_t session, Instant now);  // any message renews the lease
    void reclaim_done(std::uint64_t session);        // it has asked again for all that it held
    void end(std::uint64_t session, const std::string& reason);

    LockOutcome lock(const LockedFile& file, const HeldLock& wanted, bool reclaim, Instant now);
    // `waits`: it is held, and WaiterAnswered{ticket} follows, at the earliest in the actions of this call.
    // Of the others, `deadlock` is its own. A ticket is used once.
    LockOutcome lock_or_wait(std::uint64_t ticket, const LockedFile& file, const HeldLock& wanted,
                             Instant now);
    void cancel(std::uint64_t ticket);  // nothing when it is not waiting (any more)
    void unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range);
    // What the session holds on the file, in both spaces.
    void release_file(std::uint64_t session, std::uint64_t inode);
    std::optional<HeldLock> conflict(const LockedFile& file, const HeldLock& wanted) const;

    FenceSet set_fence(std::uint64_t session, std::uint64_t inode, std::uint64_t number);
    bool may_write(std::uint64_t session, std::uint64_t inode);
    const FenceTable& fences() const { return fences_; }

    // A session that ends, or is attached by another connection, no longer holds it. Its actions are its own.
    Delegation& delegation() { return delegation_; }
    const Delegation& delegation() const { return delegation_; }

    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<SessionAction> take_actions();

    struct Listed {
        std::uint64_t session;
        std::string client;
        std::optional<Instant> lease_end;
    };
    std::vector<Listed> sessions() const;
    std::string client_of(std::uint64_t session) const;  // empty: it doesn't live
    bool is_live(std::uint64_t session) const { return sessions_.contains(session); }
    bool in_grace(Instant now) const;
    const LockTable& locks() const { return locks_; }
    std::vector<WaitingLock> waiting() const { return waiters_.all(); }
    Duration lease() const { return lease_; }

  private:
    struct Session {
        std::string client, incarnation;
        std::optional<Instant> lease_end;  // none: ends with its connection
        bool may_reclaim = false;          // made by restore(), and has not said reclaim_done() yet
        std::set<LockedFile> refused;      // reported once, however often it is asked again
    };
    struct Client {
        std::optional<std::uint64_t> live;
        std::vector<std::string> dead;  // incarnations that ended, newest last, at most 16
    };
    std::uint64_t open(const ClientName& name, Instant now, bool may_reclaim);
    void finish(std::uint64_t session, LockChanged::What what);
    void grant(const LockedFile& file, const HeldLock& wanted, bool reclaim);
    void serve_waiters();
    bool somebody_may_reclaim() const;

    Duration lease_;
    std::uint64_t next_session_ = 1;
    std::map<std::uint64_t, Session> sessions_;
    std::map<std::string, Client> clients_;
    LockTable locks_;
    LockWaiters waiters_;
    FenceTable fences_;
    Delegation delegation_;
    std::optional<Instant> grace_end_;
    std::vector<SessionAction> actions_;
};

}  // namespace understudy::files
