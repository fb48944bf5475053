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
// reclaims are granted. One thread. Limits: 256 clients, 4096 locks a session.
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
#include "storage/files/core/lock_table.hpp"

namespace understudy::files {

constexpr std::size_t max_clients = 256;
constexpr std::size_t max_locks_per_session = 4096;

// How the 9P user name carries who attaches: "CLIENT#INCARNATION" opens a session,
// "CLIENT#INCARNATION#resume" goes on with one that must still be live. A name without '#' is a client that
// knows nothing of leases (the kernel's own): its session ends with its connection.
struct ClientName {
    std::string client;
    std::string incarnation;  // empty: without a lease
    bool resume = false;
};
std::optional<ClientName> parse_client_name(
    const std::string& user);  // nullopt: empty parts, or above 128 bytes
std::string to_user_name(const ClientName& name);

// Tlock's client_id tells the space: what begins with "flock:" is a whole-file lock.
constexpr std::string_view whole_file_prefix = "flock:";
LockedFile locked_file(std::uint64_t inode, const std::string& client_id);

// The attribute of any file that tells the share's client lease, in milliseconds as decimal text.
constexpr std::string_view lease_attribute = "user.understudy.client_lease_ms";

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
    enum class What { granted, released, refused, expired } what;
    std::string client;
    LockedFile file;
    LockRange range;
    std::string holder;  // for refused: the client in the way
};
// What the driver must do, in this order: keep the live sessions (if they changed), close connections,
// report.
using SessionAction = std::variant<SessionOpened, SessionEnded, SessionExpired, LockChanged>;

struct Attached {
    std::uint64_t session;
};
struct AttachRefused {
    std::string reason;
    bool stale;
};  // stale: that incarnation is dead, begin a new one
using AttachOutcome = std::variant<Attached, AttachRefused>;

enum class LockOutcome { granted, conflict, grace, too_many, stale };

class SessionMachine {
  public:
    explicit SessionMachine(Duration lease) : lease_(lease) {}

    struct LiveSession {
        std::string client, incarnation;
    };
    void restore(const std::vector<LiveSession>& live, Instant now);
    std::vector<LiveSession> live_sessions()
        const;  // those with leases: what restore() wants after a restart

    AttachOutcome attach(const ClientName& name, Instant now);
    void heard(std::uint64_t session, Instant now);  // any message renews the lease
    void reclaim_done(std::uint64_t session);        // it has asked again for all that it held
    void end(std::uint64_t session, const std::string& reason);

    LockOutcome lock(const LockedFile& file, const HeldLock& wanted, bool reclaim, Instant now);
    void unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range);
    std::optional<HeldLock> conflict(const LockedFile& file, const HeldLock& wanted) const;

    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<SessionAction> take_actions();

    bool is_live(std::uint64_t session) const { return sessions_.contains(session); }
    bool in_grace(Instant now) const;
    const LockTable& locks() const { return locks_; }
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

    Duration lease_;
    std::uint64_t next_session_ = 1;
    std::map<std::uint64_t, Session> sessions_;
    std::map<std::string, Client> clients_;
    LockTable locks_;
    std::optional<Instant> grace_end_;
    std::vector<SessionAction> actions_;
};

}  // namespace understudy::files
