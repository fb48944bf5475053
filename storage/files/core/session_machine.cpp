// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/session_machine.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t max_dead_incarnations = 16;

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

LockedFile locked_file(std::uint64_t inode, const std::string& client_id) {
    return {inode, client_id.starts_with(whole_file_prefix) ? LockSpace::whole_file : LockSpace::range};
}

void SessionMachine::restore(const SessionRecord& record, Instant now) {
    UNDERSTUDY_ASSERT(sessions_.empty(), "sessions are restored before any other is opened");
    for (const LiveSession& session : record.live)
        open({session.client, session.incarnation, false}, now, true);
    actions_.clear();  // nothing new happened
    if (!record.live.empty()) grace_end_ = now + lease_;

    auto session_of = [&](const LiveSession& wanted) -> std::optional<std::uint64_t> {
        for (const auto& [id, session] : sessions_)
            if (session.client == wanted.client && session.incarnation == wanted.incarnation) return id;
        return std::nullopt;
    };
    std::map<std::uint64_t, FenceTable::File> files;
    for (const SessionRecord::File& it : record.files)
        files[it.inode] = {it.number, it.owner ? session_of(*it.owner) : std::nullopt, it.of_others};
    std::map<FenceTable::Key, FenceTable::Carried> carried;
    for (const SessionRecord::Carried& it : record.carried)
        if (std::optional<std::uint64_t> session = session_of(it.session))
            carried[{it.inode, *session}] = {it.number, it.overtaken, false};
    fences_.restore(record.fences_reserved, std::move(files), std::move(carried));
    if (record.delegated)
        if (std::optional<std::uint64_t> holder = session_of(*record.delegated))
            delegation_.restore(*holder, now);
}

SessionRecord SessionMachine::record() const {
    SessionRecord record;
    auto leased = [&](std::uint64_t id) -> std::optional<LiveSession> {
        auto found = sessions_.find(id);
        if (found == sessions_.end() || !found->second.lease_end) return std::nullopt;
        return LiveSession{found->second.client, found->second.incarnation};
    };
    for (const auto& [id, session] : sessions_)
        if (session.lease_end) record.live.push_back({session.client, session.incarnation});
    record.fences_reserved = fences_.reserved();
    for (const auto& [inode, file] : fences_.carried_files())
        record.files.push_back(
            {inode, file.number, file.of_others, file.owner ? leased(*file.owner) : std::nullopt});
    for (const auto& [key, carried] : fences_.all_carried())
        if (std::optional<LiveSession> session = leased(key.second))
            record.carried.push_back({key.first, carried.number, carried.overtaken, *session});
    if (std::optional<std::uint64_t> holder = delegation_.holder()) record.delegated = leased(*holder);
    return record;
}

AttachOutcome SessionMachine::attach(const ClientName& name, Instant now) {
    on_timeout(now);  // a lease that ended while nobody looked ends before the client is answered
    auto found = clients_.find(name.client);
    if (name.incarnation.empty()) {
        if (sessions_.size() >= max_clients) return AttachRefused{"too many clients", false};
        return Attached{open(name, now, false)};
    }
    if (found == clients_.end()) {
        if (name.resume) return AttachRefused{"no such session is live", true};
        if (clients_.size() >= max_clients) return AttachRefused{"too many clients", false};
        return Attached{open(name, now, false)};
    }
    Client& client = found->second;
    if (contains(client.dead, name.incarnation)) return AttachRefused{"that session has ended", true};
    if (client.live) {
        Session& session = sessions_.at(*client.live);
        if (session.incarnation == name.incarnation) {
            session.lease_end = now + lease_;
            delegation_.session_over(*client.live);
            actions_.push_back(SessionOpened{*client.live, name.client, true});
            return Attached{*client.live};
        }
        if (name.resume) return AttachRefused{"another incarnation of this client is live", true};
        end(*client.live, "superseded by a new incarnation");
    }
    if (name.resume) return AttachRefused{"no such session is live", true};
    return Attached{open(name, now, false)};
}

std::uint64_t SessionMachine::open(const ClientName& name, Instant now, bool may_reclaim) {
    std::uint64_t id = next_session_++;
    Session session{name.client, name.incarnation, std::nullopt, may_reclaim, {}};
    if (!name.incarnation.empty()) {
        session.lease_end = now + lease_;
        clients_[name.client].live = id;
    }
    sessions_.emplace(id, std::move(session));
    actions_.push_back(SessionOpened{id, name.client, false});
    return id;
}

void SessionMachine::heard(std::uint64_t session, Instant now) {
    auto found = sessions_.find(session);
    if (found != sessions_.end() && found->second.lease_end) found->second.lease_end = now + lease_;
}

void SessionMachine::reclaim_done(std::uint64_t session) {
    auto found = sessions_.find(session);
    if (found == sessions_.end() || !found->second.may_reclaim) return;
    found->second.may_reclaim = false;
    serve_waiters();
}

void SessionMachine::end(std::uint64_t session, const std::string& reason) {
    auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    actions_.push_back(SessionEnded{session, found->second.client, reason});
    finish(session, LockChanged::What::released);
    serve_waiters();
}

void SessionMachine::finish(std::uint64_t id, LockChanged::What what) {
    auto found = sessions_.find(id);
    UNDERSTUDY_ASSERT(found != sessions_.end(), "a session ends once");
    Session session = std::move(found->second);
    sessions_.erase(found);
    if (!session.incarnation.empty()) {
        Client& client = clients_.at(session.client);
        client.live.reset();
        client.dead.push_back(session.incarnation);
        if (client.dead.size() > max_dead_incarnations) client.dead.erase(client.dead.begin());
    }
    for (const WaitingLock& waiting : waiters_.cancel_session(id))
        actions_.push_back(WaiterAnswered{waiting.ticket, LockOutcome::stale});
    fences_.forget_session(id);
    delegation_.session_over(id);
    for (auto& [file, lock] : locks_.release_session(id))
        actions_.push_back(LockChanged{what, session.client, file, lock.range, {}});
}

LockOutcome SessionMachine::lock(const LockedFile& file, const HeldLock& wanted, bool reclaim, Instant now) {
    on_timeout(now);
    auto found = sessions_.find(wanted.owner.session);
    if (found == sessions_.end()) return LockOutcome::stale;
    Session& session = found->second;
    if (!reclaim && in_grace(now)) return LockOutcome::grace;
    if (std::optional<HeldLock> other = locks_.conflict(file, wanted)) {
        if (session.refused.size() < max_locks_per_session && session.refused.insert(file).second)
            actions_.push_back(LockChanged{LockChanged::What::refused, session.client, file, wanted.range,
                                           client_of(other->owner.session)});
        return LockOutcome::conflict;
    }
    if (locks_.count(wanted.owner.session) >= max_locks_per_session) return LockOutcome::too_many;
    grant(file, wanted, reclaim);
    serve_waiters();  // a weaker lock in place of a stronger one lets others in
    return LockOutcome::granted;
}

LockOutcome SessionMachine::lock_or_wait(std::uint64_t ticket, const LockedFile& file, const HeldLock& wanted,
                                         Instant now) {
    on_timeout(now);
    auto found = sessions_.find(wanted.owner.session);
    if (found == sessions_.end()) return LockOutcome::stale;
    if (!in_grace(now) && !waiters_.must_wait(locks_, file, wanted)) return lock(file, wanted, false, now);
    if (waiters_.deadlocks(locks_, file, wanted)) return LockOutcome::deadlock;
    if (waiters_.size() >= max_waiters || waiters_.count(wanted.owner.session) >= max_waiters_per_session)
        return in_grace(now) ? LockOutcome::grace : LockOutcome::conflict;
    std::optional<HeldLock> other = locks_.conflict(file, wanted);
    actions_.push_back(LockChanged{LockChanged::What::waits, found->second.client, file, wanted.range,
                                   other ? client_of(other->owner.session) : std::string()});
    waiters_.add({ticket, file, wanted});
    serve_waiters();  // those that this one now waits for may go before those that wait for it
    return LockOutcome::waits;
}

void SessionMachine::cancel(std::uint64_t ticket) {
    if (!waiters_.cancel(ticket)) return;
    actions_.push_back(WaiterAnswered{ticket, LockOutcome::cancelled});
    serve_waiters();
}

void SessionMachine::grant(const LockedFile& file, const HeldLock& wanted, bool reclaim) {
    Session& session = sessions_.at(wanted.owner.session);
    locks_.grant(file, wanted);
    session.refused.erase(file);
    bool must_keep = false;
    if (wanted.mode == LockMode::exclusive)
        fences_.granted(wanted.owner.session, file.inode, reclaim, must_keep);
    if (must_keep) actions_.push_back(FencesChanged{});
    actions_.push_back(LockChanged{LockChanged::What::granted, session.client, file, wanted.range, {}});
}

void SessionMachine::serve_waiters() {
    if (grace_end_ && somebody_may_reclaim()) return;
    while (std::optional<WaitingLock> next = waiters_.next(locks_)) {
        bool room = locks_.count(next->wanted.owner.session) < max_locks_per_session;
        if (room) grant(next->file, next->wanted, false);
        actions_.push_back(WaiterAnswered{next->ticket, room ? LockOutcome::granted : LockOutcome::too_many});
    }
}

FenceSet SessionMachine::set_fence(std::uint64_t session, std::uint64_t inode, std::uint64_t number) {
    if (!is_live(session)) return FenceSet::no_session;
    FenceSet outcome = fences_.set(session, inode, number);
    if (outcome == FenceSet::carried || outcome == FenceSet::overtaken) actions_.push_back(FencesChanged{});
    return outcome;
}

bool SessionMachine::may_write(std::uint64_t session, std::uint64_t inode) {
    if (fences_.may_write(session, inode)) return true;
    if (fences_.report_refusal(session, inode))
        actions_.push_back(
            WriteFenced{client_of(session), inode, *fences_.carried(session, inode), fences_.number(inode)});
    return false;
}

std::vector<SessionMachine::Listed> SessionMachine::sessions() const {
    std::vector<Listed> all;
    for (const auto& [id, session] : sessions_) all.push_back({id, session.client, session.lease_end});
    return all;
}

std::string SessionMachine::client_of(std::uint64_t session) const {
    auto found = sessions_.find(session);
    return found == sessions_.end() ? std::string() : found->second.client;
}

void SessionMachine::unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range) {
    auto found = sessions_.find(owner.session);
    if (found == sessions_.end() || !locks_.release(file, owner, range)) return;
    actions_.push_back(LockChanged{LockChanged::What::released, found->second.client, file, range, {}});
    serve_waiters();
}

void SessionMachine::release_file(std::uint64_t session, std::uint64_t inode) {
    for (const LockSpace space : {LockSpace::range, LockSpace::whole_file})
        for (const HeldLock& held : locks_.locks({inode, space}))
            if (held.owner.session == session) unlock({inode, space}, held.owner, held.range);
}

std::optional<HeldLock> SessionMachine::conflict(const LockedFile& file, const HeldLock& wanted) const {
    return locks_.conflict(file, wanted);
}

bool SessionMachine::in_grace(Instant now) const {
    return grace_end_ && now < *grace_end_ && somebody_may_reclaim();
}

bool SessionMachine::somebody_may_reclaim() const {
    return std::any_of(sessions_.begin(), sessions_.end(),
                       [](const auto& entry) { return entry.second.may_reclaim; });
}

void SessionMachine::on_timeout(Instant now) {
    delegation_.on_timeout(now);
    if (grace_end_ && now >= *grace_end_) grace_end_.reset();
    std::vector<std::uint64_t> ended;
    for (const auto& [id, session] : sessions_)
        if (session.lease_end && *session.lease_end <= now) ended.push_back(id);
    for (std::uint64_t id : ended) {
        actions_.push_back(SessionExpired{id, sessions_.at(id).client});
        finish(id, LockChanged::What::expired);
    }
    serve_waiters();
}

std::optional<Deadline> SessionMachine::next_deadline() const {
    std::optional<Deadline> next = delegation_.next_deadline();
    if (grace_end_ && waiters_.size() > 0)
        next = earlier(next, Deadline{*grace_end_, "time of reclaims ends", 0});
    for (const auto& [id, session] : sessions_)
        if (session.lease_end) next = earlier(next, Deadline{*session.lease_end, "client lease ends", id});
    return next;
}

std::vector<SessionAction> SessionMachine::take_actions() {
    return std::exchange(actions_, {});
}

}  // namespace understudy::files
