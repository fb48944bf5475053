// SPDX-License-Identifier: Apache-2.0
// Requests on their way: sent, sent again, given up, answered.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/io/clock.hpp"
#include "storage/files/core/codec.hpp"
#include "storage/files/mount/link.hpp"

namespace understudy::files {
namespace asio = boost::asio;
using io::monotonic_now;

// g++ 12 destroys an aggregate twice that is made inside a co_await expression: requests are made before it.

namespace {

constexpr std::size_t max_requests = 0x8000;
constexpr std::size_t max_requests_and_clunks = 0xf000;  // there are tags for no more than 65535

constexpr std::size_t max_put_off = 64;
constexpr std::chrono::milliseconds longest_put_off{2};

const Abandoned nobody_waits = std::make_shared<const bool>(true);

// The fid that a request works on.
std::uint32_t fid_of(const Body& body) {
    return std::visit(
        [](const auto& it) -> std::uint32_t {
            if constexpr (requires { it.fid; })
                return it.fid;
            else
                return no_fid;
        },
        body);
}

}  // namespace

RequestPtr Link::make(Body body) {
    auto request = std::make_shared<Request>();
    request->tag = std::holds_alternative<Tversion>(body) ? no_tag : new_tag();
    request->fid = fid_of(body);
    request->order = next_order_++;
    request->since = monotonic_now();
    request->frame = std::make_shared<const Frame>(encode_frame({request->tag, std::move(body)}));
    waiting_[request->tag] = request;
    return request;
}

RequestPtr Link::send(Body body, Abandoned abandoned) {
    if (waiting_.size() > max_requests || closing_) {
        auto refused = std::make_shared<Request>();
        refused->answer = Answer{{}, closing_ ? EIO : EAGAIN, false, false};
        return refused;
    }
    RequestPtr request = make(std::move(body));
    request->abandoned = std::move(abandoned);
    if (ready_) transmit(request);
    return request;
}

RequestPtr Link::send_lock(const Tlock& lock) {
    RequestPtr request = send(lock, nullptr);
    request->may_take_long = (lock.flags & lock_flag_block) != 0;
    return request;
}

asio::awaitable<Answer> Link::call(Body body, Abandoned abandoned) {
    RequestPtr request = send(std::move(body), std::move(abandoned));
    co_return co_await answer(std::move(request));
}

asio::awaitable<std::optional<Answer>> Link::call_while_ready(Body body) {
    if (!ready_) co_return std::nullopt;
    const std::shared_ptr<FrameStream> stream = stream_;
    Answer answer = co_await control(std::move(body));
    if (stream_ != stream) co_return std::nullopt;
    co_return answer;
}

asio::awaitable<Answer> Link::call_until_known(Body body) {
    RequestPtr request = send(std::move(body), nullptr);
    request->must_be_known = true;
    co_return co_await answer(std::move(request));
}

asio::awaitable<Answer> Link::answer(RequestPtr request) {
    if (!request->answer)
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
            [](auto handler, Request* asked, asio::any_io_executor executor) {
                auto kept = std::make_shared<decltype(handler)>(std::move(handler));
                asked->resume = [kept, executor] { asio::post(executor, [kept] { std::move (*kept)(); }); };
            },
            asio::use_awaitable, request.get(), executor_);
    co_return std::move(*request->answer);
}

bool Link::came_too_early(const Answer& answer) {
    if (answer.error != EBADF) return false;
    keeps_order_ = false;
    return true;
}

void Link::forget(std::uint32_t fid) {
    const FidTable::Fid* known = fids_.find(fid);
    const bool was_open = known != nullptr && known->open_flags.has_value();
    if (closing_ || waiting_.size() > max_requests_and_clunks) return fids_.erase(fid);
    RequestPtr clunk = make(Tclunk{fid});
    clunk->must_be_known = true;
    if (was_open) {
        fids_.erase(fid);  // the kernel closes a file when all that was asked of it has been answered
        if (ready_) clunk->abandoned = nobody_waits;
    } else {
        // Walks from it may be on their way: should the connection be lost, they need it on the next, too.
        fids_.leave(fid);
        clunk->ends_fid = true;
    }
    if (!ready_) return;  // a reconnection may be walking to it just now
    if (was_open)
        transmit(clunk);  // the server may have something to do: end locks, free an unlinked file
    else
        put_off(clunk);
}

// What nobody waits for goes out with the next request: by itself it would wake the server and this side.
void Link::put_off(const RequestPtr& request) {
    put_off_.push_back(request);
    if (put_off_.size() >= max_put_off) return send_put_off();
    if (std::exchange(put_off_ends_soon_, true)) return;
    put_off_ends_.expires_after(longest_put_off);
    put_off_ends_.async_wait([this, alive = weak()](boost::system::error_code error) {
        if (error || alive.expired()) return;
        put_off_ends_soon_ = false;
        send_put_off();
    });
}

void Link::send_put_off() {
    for (const RequestPtr& request : std::exchange(put_off_, {}))
        if (ready_ && !request->answer && !request->is_sent) transmit(request);
}

RequestPtr Link::send_control(Body body) {
    if (stream_ == nullptr) {
        auto refused = std::make_shared<Request>();
        refused->answer = Answer{{}, EIO, false, false};
        return refused;
    }
    RequestPtr request = make(std::move(body));
    request->control = true;
    transmit(request);  // keep_alive() is its time limit
    return request;
}

asio::awaitable<Answer> Link::control(Body body) {
    RequestPtr request = send_control(std::move(body));
    co_return co_await answer(std::move(request));
}

void Link::transmit(const RequestPtr& request) {
    request->was_repeated = request->was_sent;
    request->was_sent = request->is_sent = true;
    request->sent = monotonic_now();
    stream_->send(request->frame);
    if (!put_off_.empty()) send_put_off();
}

void Link::send_waiting() {
    std::vector<RequestPtr> unsent;
    for (const auto& [tag, request] : waiting_)
        if (!request->is_sent) unsent.push_back(request);
    std::sort(unsent.begin(), unsent.end(),
              [](const RequestPtr& a, const RequestPtr& b) { return a->order < b->order; });
    for (const RequestPtr& request : unsent) {
        if (request->abandoned != nullptr && *request->abandoned)
            complete(request, {{}, EINTR, false, request->was_sent});
        else if (stream_ != nullptr)
            transmit(request);
    }
}

void Link::give_up(const RequestPtr& request) {
    if (request->answer || request->given_up) return;
    request->given_up = true;
    if (!request->is_sent) return complete(request, {{}, EINTR, false, request->was_sent});
    if (stream_ == nullptr) return;
    RequestPtr flush = send_control(Tflush{request->tag});
    flushes_[flush->tag] = request;
}

// The server will not answer what was given up, if it has not done so before.
void Link::flushed(const RequestPtr& request) {
    if (!request->answer) complete(request, {{}, EINTR, false, false});
}

asio::awaitable<void> Link::read_replies(std::shared_ptr<FrameStream> stream) {
    std::string reason;
    while (reason.empty()) {
        Result<Frame> frame = co_await stream->read_frame(message_bytes_);
        if (stream_ != stream) co_return;  // another connection has taken its place
        if (frame.has_error()) {
            reason = frame.error().message();
            break;
        }
        Result<Message> message = decode(std::move(*frame));
        if (message.has_error()) {
            reason = message.error().message();
            break;
        }
        last_heard_ = monotonic_now();
        // Whoever slept past its lease must not believe what was granted before.
        if (look_after_the_lease(last_heard_); stream_ != stream) co_return;
        auto found = waiting_.find(message->tag);
        if (found == waiting_.end() || !found->second->is_sent) continue;
        RequestPtr request = found->second;
        if (bound_) lease_from_ = std::max(lease_from_, request->sent);
        complete(request, {std::move(message->body), 0, false, false});
        if (auto flush = flushes_.extract(message->tag); !flush.empty()) flushed(flush.mapped());
    }
    disconnected(reason);
}

void Link::complete(const RequestPtr& request, Answer answer) {
    waiting_.erase(request->tag);
    if (request->ends_fid) fids_.erase(request->fid);
    if (const auto* error = std::get_if<Rlerror>(&answer.body); error != nullptr && answer.error == 0)
        answer.error = error->error == 0 ? EIO : static_cast<int>(error->error);
    if (const auto* root = std::get_if<Rgetattr>(&answer.body); root != nullptr && request->fid == root_fid)
        root_ = *root;
    if (const auto* space = std::get_if<Rstatfs>(&answer.body)) space_ = *space;
    answer.repeated = request->was_repeated;
    request->answer = std::move(answer);
    if (std::function<void()> resume = std::exchange(request->resume, nullptr)) resume();
}

void Link::fail(const std::function<bool(const Request&)>& condition, int error) {
    std::vector<RequestPtr> failed;
    for (const auto& [tag, request] : waiting_)
        if (condition(*request)) failed.push_back(request);
    for (const RequestPtr& request : failed) complete(request, {{}, error, false, request->was_sent});
}

std::uint16_t Link::new_tag() {
    do next_tag_ = static_cast<std::uint16_t>(next_tag_ + 1);
    while (next_tag_ == no_tag || waiting_.contains(next_tag_));
    return next_tag_;
}

}  // namespace understudy::files
