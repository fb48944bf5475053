// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/delegation.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace understudy::files {

void Delegation::restore(std::uint64_t session, Instant now) {
    UNDERSTUDY_ASSERT(!held_, "a delegation is restored before any other is given");
    held_ = Held{session, now};
}

bool Delegation::ask(std::uint64_t session, Instant now) {
    on_timeout(now);
    if (held_ || forbidden_) return false;
    if (std::any_of(begun_.begin(), begun_.end(), [&](const auto& entry) { return entry.first != session; }))
        return false;
    const std::optional<Change>& others =
        latest_ && latest_->session == session ? latest_by_others_ : latest_;
    if (others && now - others->when < quiet_) return false;
    held_ = Held{session, {}};
    actions_.push_back(DelegationGranted{session});
    return true;
}

void Delegation::returned(std::uint64_t session) {
    if (held_ && held_->session == session) end(DelegationEnded::How::returned, now_);
}

void Delegation::session_over(std::uint64_t session) {
    if (held_ && held_->session == session) end(DelegationEnded::How::session_over, now_);
}

void Delegation::forbid(bool forbidden, Instant now) {
    on_timeout(now);
    forbidden_ = forbidden;
    if (forbidden) recall({}, now);
}

bool Delegation::change(std::uint64_t ticket, std::uint64_t session, Instant now) {
    on_timeout(now);
    if (held_ && held_->session != session) {
        waiting_.push_back({ticket, session});
        recall(session, now);
        return false;
    }
    ++begun_[session];
    note(session, now);
    return true;
}

void Delegation::changed(std::uint64_t session, Instant now) {
    on_timeout(now);
    const auto found = begun_.find(session);
    UNDERSTUDY_ASSERT(found != begun_.end(), "a change that is over has begun");
    if (--found->second == 0) begun_.erase(found);
    note(session, now);
}

void Delegation::cancel(std::uint64_t ticket) {
    std::erase_if(waiting_, [&](const Waiting& it) { return it.ticket == ticket; });
}

std::optional<std::uint64_t> Delegation::holder() const {
    return held_ ? std::optional(held_->session) : std::nullopt;
}

void Delegation::recall(std::optional<std::uint64_t> changer, Instant now) {
    if (!held_ || held_->recalled) return;
    held_->recalled = now;
    actions_.push_back(DelegationRecalled{held_->session, changer});
}

void Delegation::end(DelegationEnded::How how, Instant now) {
    actions_.push_back(DelegationEnded{how, held_->session});
    held_.reset();
    for (const Waiting& it : std::exchange(waiting_, {})) {
        ++begun_[it.session];
        note(it.session, now);
        actions_.push_back(ChangeBegins{it.ticket});
    }
}

void Delegation::note(std::uint64_t session, Instant now) {
    if (latest_ && latest_->session != session) latest_by_others_ = latest_;
    latest_ = Change{session, now};
}

void Delegation::on_timeout(Instant now) {
    now_ = std::max(now_, now);
    if (held_ && held_->recalled && now_ - *held_->recalled >= lease_)
        end(DelegationEnded::How::lease_passed, now_);
}

std::optional<Deadline> Delegation::next_deadline() const {
    if (!is_recalled()) return std::nullopt;
    return Deadline{*held_->recalled + lease_, "recalled delegation ends", held_->session};
}

std::vector<DelegationAction> Delegation::take_actions() {
    return std::exchange(actions_, {});
}

}  // namespace understudy::files
