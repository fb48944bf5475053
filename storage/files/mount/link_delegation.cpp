// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "base/io/clock.hpp"
#include "storage/files/core/session_machine.hpp"
#include "storage/files/mount/link.hpp"

namespace understudy::files {
namespace asio = boost::asio;
using io::monotonic_now;

namespace {

constexpr Duration between_tries = 50ms;
// What the kernel is told it may keep it keeps to the next tick of its clock.
constexpr Duration margin = 50ms;

}  // namespace

void Link::want_delegation() {
    if (!ready_ || !has_lease_ || delegated_ || delegation_asked_) return;
    const Instant now = monotonic_now();
    if (now - delegation_asked_at_ < between_tries) return;
    delegation_asked_at_ = now;
    delegation_asked_ = true;
    asio::co_spawn(executor_, ask_for_delegation(stream_), asio::detached);
}

Duration Link::delegated_for() const {
    if (!delegated_) return Duration::zero();
    return std::max<Duration>(lease_from_ + lease_ - margin - monotonic_now(), Duration::zero());
}

asio::awaitable<void> Link::ask_for_delegation(std::shared_ptr<FrameStream> stream) {
    Body xattrwalk_request = Txattrwalk{root_fid, delegation_fid, std::string(delegation_attribute)};
    Answer asked = co_await control(std::move(xattrwalk_request));
    delegation_asked_ = false;
    if (stream_ != stream || error_of<Rxattrwalk>(asked) != 0) co_return;
    delegated_ = true;
    delegation_changed_(DelegationState::held);
    RequestPtr recall = send_control(Tread{delegation_fid, 0, 1});
    recall->may_take_long = true;
    co_await answer(std::move(recall));
    if (stream_ != stream) co_return;
    end_delegation(DelegationState::over);
    Body clunk_request = Tclunk{delegation_fid};
    co_await control(std::move(clunk_request));
}

void Link::end_delegation(DelegationState now) {
    delegated_ = false;
    delegation_changed_(now);
}

}  // namespace understudy::files
