// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/link.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/assert.hpp"
#include "base/io/clock.hpp"

namespace understudy::files {
namespace asio = boost::asio;
using asio::ip::tcp;
using io::monotonic_now;

namespace {

constexpr Duration retry_interval = 50ms;
constexpr Duration retry_after_refusal = 1s;
constexpr auto quiet = asio::as_tuple(asio::use_awaitable);

std::string random_incarnation() {
    std::uint64_t bits = 0;
    UNDERSTUDY_ASSERT(::getrandom(&bits, sizeof bits, 0) == sizeof bits,
                      "the kernel gives eight random bytes");
    return fmt::format("{:016x}", bits);
}

asio::steady_timer::duration to_timer(Duration duration) {
    return std::chrono::duration_cast<asio::steady_timer::duration>(duration);
}

}  // namespace

Link::Link(asio::any_io_executor executor, LinkOptions options, io::EventWriter& events)
    : executor_(executor),
      options_(std::move(options)),
      events_(events),
      changed_(executor),
      incarnation_(random_incarnation()),
      away_since_(monotonic_now()),
      put_off_ends_(executor) {}

asio::awaitable<void> Link::run(std::function<bool()> on_ready) {
    asio::co_spawn(executor_, keep_alive(), asio::detached);
    while (!closing_) {
        refused_ = false;
        bool attached = co_await connect();
        if (attached) attached = co_await attach();
        if (!attached || stream_ == nullptr) {
            disconnected("it could not be attached");
            asio::steady_timer pause(executor_, to_timer(refused_ ? retry_after_refusal : retry_interval));
            co_await pause.async_wait(quiet);
            continue;
        }
        ready_ = bound_ = true;
        refusal_.clear();
        if (!was_ready_) send_control(Tgetattr{root_fid});  // for root()
        if (!was_ready_ && !on_ready()) co_return;
        was_ready_ = true;
        events_.report("ready",
                       fmt::format("attached to {} at {}", options_.share, to_string(options_.server)));
        send_waiting();
        while (stream_ != nullptr) {
            changed_.expires_at(asio::steady_timer::time_point::max());
            co_await changed_.async_wait(quiet);
        }
    }
}

Duration Link::step_limit() const {
    return std::clamp<Duration>(lease_ / 4, 500ms, 5s);
}

asio::awaitable<bool> Link::connect() {
    auto socket = std::make_shared<tcp::socket>(executor_);
    asio::steady_timer limit(executor_, to_timer(step_limit()));
    limit.async_wait([socket](boost::system::error_code error) {
        boost::system::error_code ignored;
        if (!error) socket->close(ignored);
    });
    tcp::endpoint endpoint(asio::ip::address_v4(options_.server.address.bits), options_.server.port);
    auto [error] = co_await socket->async_connect(endpoint, quiet);
    limit.cancel();
    if (error || !socket->is_open() || closing_) co_return false;
    stream_ = std::make_shared<FrameStream>(std::move(*socket));
    stream_->set_user_timeout(step_limit());
    ++connections_;
    last_heard_ = monotonic_now();
    asio::co_spawn(executor_, read_replies(stream_), asio::detached);
    co_return true;
}

asio::awaitable<void> Link::keep_alive() {
    Instant last_ping{};
    while (!closing_) {
        Duration step = std::clamp<Duration>(lease_ / 32, 10ms, 250ms);
        // Not a step too late: the server may end the session right after.
        if (attached_once_ && has_lease_)
            step = std::min<Duration>(step, lease_from_ + lease_ - monotonic_now());
        asio::steady_timer pause(executor_, to_timer(step));
        co_await pause.async_wait(quiet);
        Instant now = monotonic_now();
        if (is_silent(now))
            disconnected(fmt::format("nothing was answered for {}", format_duration(lease_ / 4)));
        if (ready_ && now - last_ping >= lease_ / 4) {
            last_ping = now;
            send_control(Tstatfs{root_fid});
        }
        look_after_the_lease(now);
        fail_overdue();
    }
}

bool Link::is_silent(Instant now) const {
    const Duration quarter = lease_ / 4;
    if (stream_ == nullptr || now - last_heard_ < quarter) return false;
    return std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& entry) {
        const Request& request = *entry.second;
        return request.is_sent && !request.may_take_long && now - request.sent >= quarter;
    });
}

bool Link::holds_lease(Instant now) const {
    return !has_lease_ || (attached_once_ && now - lease_from_ < lease_);
}

void Link::look_after_the_lease(Instant now) {
    if (attached_once_ && !holds_lease(now)) {
        lose_session("its lease has ended without an answer");
        disconnected("the lease has ended");
    }
}

void Link::fail_overdue() {
    if (!ready_)
        fail([&](const Request& it) { return !it.control && !it.must_be_known && is_overdue(it.since); },
             EIO);
}

bool Link::is_overdue(Instant since) const {
    if (ready_ || options_.on_loss.hang) return false;
    return monotonic_now() - std::max(since, away_since_) >= options_.on_loss.error_after.value_or(lease_);
}

void Link::disconnected(const std::string& reason) {
    if (stream_ == nullptr) return;
    if (delegated_) end_delegation(DelegationState::unconnected);
    stream_->close();
    stream_.reset();
    bound_ = false;
    flushes_.clear();
    fail([](const Request& it) { return it.control; }, EIO);
    for (auto& [tag, request] : waiting_) request->is_sent = false;
    // Nobody wants what was given up, and whether it was carried out will not be told any more.
    fail([](const Request& it) { return it.given_up; }, EINTR);
    if (std::exchange(ready_, false)) {
        away_since_ = monotonic_now();
        if (!closing_)
            events_.report("not_ready",
                           fmt::format("{} at {}: {}", options_.share, to_string(options_.server), reason));
    }
    changed_.cancel();
}

void Link::refused(const std::string& reason) {
    refused_ = true;
    if (std::exchange(refusal_, reason) == reason) return;  // said already
    events_.report("not_ready", fmt::format("{} at {}: refused to attach: {}", options_.share,
                                            to_string(options_.server), reason));
}

void Link::lose_session(const std::string& reason) {
    if (delegated_) end_delegation(DelegationState::unconnected);
    attached_once_ = false;
    incarnation_ = random_incarnation();
    if (was_ready_) events_.report("session_lost", reason);
    fail(
        [&](const Request& it) {
            const FidTable::Fid* fid = fids_.find(it.fid);
            return !it.control && fid != nullptr && fid->open_flags.has_value();
        },
        EIO);
    locks_.clear();
    fids_.open_ones_died();
}

asio::awaitable<void> Link::close(Duration limit) {
    closing_ = true;
    if (ready_) {
        asio::steady_timer timer(executor_, to_timer(limit));
        timer.async_wait([this](boost::system::error_code error) {
            if (!error) disconnected("the clean end was not answered");
        });
        Body clunk_request = Tclunk{root_fid};
        co_await control(std::move(clunk_request));
        timer.cancel();
    }
    disconnected("closed");
    fail([](const Request&) { return true; }, EIO);
}

}  // namespace understudy::files
