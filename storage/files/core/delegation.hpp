// SPDX-License-Identifier: Apache-2.0
// The delegation of one share: while a session holds it nobody else changes anything there, so that its
// client may answer from memory what it was told of names and statuses. The idea is NFSv4's (RFC 8881,
// section 10.4), at the grain of a share and for one holder at a time, so that two never wait for each other.
//
//   free --asked for; nobody else changed anything for a while--> held --another wants to change something,
//        or it is forbidden--> recalled --given back, its session over or attached anew, or one lease
//        passed--> free
//
// Changes by others wait while it is held or recalled, and begin in the order they came. One lease is enough:
// a client remembers nothing for longer than its own lease, which only answers renew that it was sent before
// the recall. Reading recalls nothing. A change that has begun is counted until it is over: there is no
// delegation beside it. Pure; one thread. Limits: the callers' (each waiting change is a request).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace understudy::files {

struct DelegationGranted {
    std::uint64_t session;
};
struct DelegationRecalled {
    std::uint64_t session;
    std::optional<std::uint64_t> changer;  // whose change waits; none: it is forbidden
};
struct DelegationEnded {
    enum class How { returned, session_over, lease_passed } how;
    std::uint64_t session;
};
struct ChangeBegins {  // that had to wait; changed() follows from the caller
    std::uint64_t ticket;
};
using DelegationAction = std::variant<DelegationGranted, DelegationRecalled, DelegationEnded, ChangeBegins>;

class Delegation {
  public:
    Delegation(Duration lease, Duration quiet) : lease_(lease), quiet_(quiet) {}

    // What the service before this one had given: recalled from the beginning.
    void restore(std::uint64_t session, Instant now);

    bool ask(std::uint64_t session, Instant now);  // true: it is held from now on
    void returned(std::uint64_t session);          // nothing when another holds it, or nobody
    void session_over(std::uint64_t session);      // or attached by another connection
    void forbid(bool forbidden, Instant now);

    // True: it begins now. False: it waits, and ChangeBegins{ticket} follows, unless it is cancelled first.
    bool change(std::uint64_t ticket, std::uint64_t session, Instant now);
    void changed(std::uint64_t session, Instant now);  // one that had begun is over
    void cancel(std::uint64_t ticket);                 // nothing when it doesn't wait (any more)

    std::optional<std::uint64_t> holder() const;
    bool is_recalled() const { return held_ && held_->recalled; }
    std::size_t waiting() const { return waiting_.size(); }

    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<DelegationAction> take_actions();

  private:
    struct Held {
        std::uint64_t session;
        std::optional<Instant> recalled;
    };
    struct Waiting {
        std::uint64_t ticket, session;
    };
    struct Change {
        std::uint64_t session;
        Instant when;
    };
    void recall(std::optional<std::uint64_t> changer, Instant now);
    void end(DelegationEnded::How how, Instant now);
    void note(std::uint64_t session, Instant now);

    Duration lease_, quiet_;
    std::optional<Held> held_;
    bool forbidden_ = false;
    std::deque<Waiting> waiting_;
    std::map<std::uint64_t, std::size_t> begun_;       // changes that are not over, by session
    std::optional<Change> latest_, latest_by_others_;  // others than the latest's session
    Instant now_{};
    std::vector<DelegationAction> actions_;
};

}  // namespace understudy::files
