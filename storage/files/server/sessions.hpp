// SPDX-License-Identifier: Apache-2.0
// Drives the session machine of one share: hands it the clock, wakes it at its deadlines, and carries its
// actions out in one order: the record is kept on disk, then what ended sessions still have running is waited
// for and their connections are closed,
// then events go out and waiters are answered. One thread (the executor's).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/io/event_writer.hpp"
#include "storage/files/core/session_machine.hpp"
#include "storage/files/server/request_counts.hpp"
#include "storage/files/server/session_gate.hpp"

namespace understudy::files {

class Sessions {
  public:
    // `kept_in` is the file of the session record, which lasts over a restart of the server.
    Sessions(boost::asio::any_io_executor executor, std::string share, std::string kept_in, Duration lease,
             Duration delegate_after, io::EventWriter& events);

    // Takes over what a server before this one left. Error kind environment when the file can't be read or
    // written.
    Result<void> restore();

    AttachOutcome attach(const ClientName& name);
    void heard(std::uint64_t session);
    void reclaim_done(std::uint64_t session) { machine_.reclaim_done(session); }
    void end(std::uint64_t session, const std::string& reason);

    // `path` is for events: what the client calls the file.
    LockOutcome lock(const LockedFile& file, const HeldLock& wanted, bool reclaim, const std::string& path);
    // As lock(), but where another's lock or the time of reclaims is in the way it ends when the lock was
    // granted, the session ended, or cancel(ticket) was called (outcome `cancelled`); never `waits`. It has
    // no limit of its own. Tickets come from new_ticket() and are used once.
    boost::asio::awaitable<LockOutcome> lock_or_wait(std::uint64_t ticket, LockedFile file, HeldLock wanted,
                                                     std::string path);
    std::uint64_t new_ticket() { return next_ticket_++; }
    void cancel(std::uint64_t ticket);
    std::vector<WaitingLock> waiting() const { return machine_.waiting(); }

    // Fencing (fence_table.hpp): the number of the latest exclusive lock on the file, 0 when there was none;
    // and on any file of the share.
    std::uint64_t fence(std::uint64_t inode) const { return machine_.fences().number(inode); }
    std::uint64_t share_fence() const { return machine_.fences().latest(); }
    // From now on the session's writes to the file carry `number`. What a client is to be told: carried:
    // done; overtaken: ESTALE, and its writes are refused; never_given: EINVAL; too_many: ENOSPC; no_session:
    // ESTALE.
    FenceSet set_fence(std::uint64_t session, std::uint64_t inode, std::uint64_t number);
    // False: the write is answered ESTALE. Reported once for each session and file.
    bool may_write(std::uint64_t session, std::uint64_t inode, const std::string& path);

    void unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range);
    // Every lock that the session holds on the file; on every file of which `is_kept` says no.
    void release_file(std::uint64_t session, std::uint64_t inode);
    void release_all_files_but(std::uint64_t session, const std::function<bool(std::uint64_t)>& is_kept);
    std::optional<HeldLock> conflict(const LockedFile& file, const HeldLock& wanted) const {
        return machine_.conflict(file, wanted);
    }

    // The share's delegation (core/delegation.hpp). until_recalled() ends when the session no longer holds
    // it, or is to give it back, or stop_waiting_for_recall() was called; one at a time for each session.
    bool ask_delegation(std::uint64_t session);
    boost::asio::awaitable<void> until_recalled(std::uint64_t session);
    void stop_waiting_for_recall(std::uint64_t session);
    void return_delegation(std::uint64_t session);
    void forbid_delegations(bool forbidden);
    // Each change of the share is told before and after. False: cancel_change(ticket) was called, and it
    // doesn't begin. Tickets come from new_ticket() and are used once.
    boost::asio::awaitable<bool> change_begins(std::uint64_t ticket, std::uint64_t session);
    void change_ends(std::uint64_t session);
    void cancel_change(std::uint64_t ticket);

    // What the session changes passes this; it is closed, and empty, before anything else learns that the
    // session has ended.
    std::shared_ptr<SessionGate> gate(std::uint64_t session);

    const SessionMachine& machine() const { return machine_; }
    const SessionCounts& counts() const { return counts_; }
    std::string path_of(const LockedFile& file) const;  // what its client calls it, as far as is known

    // Called when a session has ended or expired: its connections must serve nothing more.
    void on_ended(std::function<void(std::uint64_t session)> callback) { ended_ = std::move(callback); }

    Duration lease() const { return machine_.lease(); }

  private:
    struct Waiter {
        boost::asio::steady_timer answered;  // cancelled when it was
        LockOutcome outcome = LockOutcome::waits;
    };
    struct Held {
        boost::asio::steady_timer over;  // cancelled when it is
        bool is_over = false, began = false;
    };
    using Helds = std::map<std::uint64_t, std::shared_ptr<Held>>;
    void carry_out();
    void answer(const WaiterAnswered& answered);
    void carry_out(const std::vector<DelegationAction>& actions);
    std::shared_ptr<Held> hold(Helds& helds, std::uint64_t key);
    static void end_wait(Helds& helds, std::uint64_t key, bool began);
    void remember(const LockedFile& file, const std::string& path);
    void close_gate(std::uint64_t session);
    void count(const SessionAction& action);
    void arm();
    Result<void> keep() const;
    void report(const SessionAction& action);
    void report_lock(const LockChanged& it);

    SessionMachine machine_;
    boost::asio::steady_timer timer_;
    std::string share_, kept_in_;
    io::EventWriter& events_;
    std::function<void(std::uint64_t)> ended_;
    std::map<std::uint64_t, std::shared_ptr<SessionGate>> gates_;
    SessionCounts counts_;
    std::uint64_t next_ticket_ = 1;
    std::map<std::uint64_t, std::shared_ptr<Waiter>> waiters_;  // by ticket, as many as the machine allows
    Helds recalls_;                                             // until_recalled(), by session
    Helds changes_;                                             // that wait, by ticket
    std::map<LockedFile, std::string>
        paths_;  // of files that are or were asked to be locked, for events; bounded
};

}  // namespace understudy::files
