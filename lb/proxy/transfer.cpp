// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/transfer.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace understudy::lb {
namespace {

// After so many bytes a direction lets the other flows of its thread have their turn.
constexpr std::uint64_t bytes_a_turn = 1 << 20;

// Reads of at least large_read, so many in a row, say that a direction carries bulk; pipefuls below
// small_splice, so many in a row, that it no longer does. Splicing costs three calls and page references
// where a copy costs two calls and a pass over memory: below a few segments the copy is cheaper.
constexpr std::size_t large_read = 32 * 1024;
constexpr int large_reads_to_splice = 2;
constexpr std::size_t small_splice = 8 * 1024;
constexpr int small_splices_to_copy = 8;

}  // namespace

TransferState Transfer::run(Channel& from, Channel& to, const TransferTools& tools, std::uint64_t& moved) {
    const std::uint64_t before = moved;
    while (!ended_) {
        if (moved - before >= bytes_a_turn) return TransferState::unspent;
        Step step = Step::went_on;
        if (rest_ != nullptr)
            step = send_rest(to, moved);
        else if (pipe_ != nullptr)
            step = splice_through(from, to, tools, moved);
        else
            step = copy(from, to, tools, moved);
        if (step == Step::failed) return TransferState::failed;
        if (step == Step::waiting) return TransferState::waiting;
        if (step == Step::ended) ended_ = true;
    }
    tools.pipes.give_back(std::move(pipe_));
    return TransferState::ended;
}

void Transfer::abandon(const TransferTools& tools) {
    tools.pipes.give_back(std::move(pipe_));
    rest_.reset();
}

Transfer::Step Transfer::fail(int error) {
    error_ = error;
    return Step::failed;
}

Transfer::Step Transfer::copy(Channel& from, Channel& to, const TransferTools& tools, std::uint64_t& moved) {
    if (!from.readable || !to.writable) return Step::waiting;
    const ssize_t got = ::recv(from.fd, tools.buffer.data(), tools.buffer.size(), 0);
    if (got == 0) return Step::ended;
    if (got < 0) {
        if (errno == EINTR) return Step::went_on;
        if (errno != EAGAIN) return fail(errno);
        from.readable = false;
        return Step::waiting;
    }
    const auto size = static_cast<std::size_t>(got);
    // A short read has emptied the socket: what comes later is a new edge.
    if (size < tools.buffer.size() && !from.ending) from.readable = false;
    const ssize_t put = ::send(to.fd, tools.buffer.data(), size, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN && errno != EINTR) return fail(errno);
    const std::size_t sent = put < 0 ? 0 : static_cast<std::size_t>(put);
    moved += sent;
    if (sent < size) {
        to.writable = false;
        rest_ = std::make_unique<Rest>();
        rest_->bytes.assign(tools.buffer.begin() + static_cast<std::ptrdiff_t>(sent),
                            tools.buffer.begin() + static_cast<std::ptrdiff_t>(size));
        return Step::went_on;
    }
    large_ = size >= large_read ? static_cast<std::uint8_t>(large_ + 1) : std::uint8_t{0};
    if (large_ >= large_reads_to_splice) {
        large_ = 0;
        pipe_ = tools.pipes.take();
    }
    return Step::went_on;
}

Transfer::Step Transfer::send_rest(Channel& to, std::uint64_t& moved) {
    if (!to.writable) return Step::waiting;
    Rest& rest = *rest_;
    const ssize_t put =
        ::send(to.fd, rest.bytes.data() + rest.sent, rest.bytes.size() - rest.sent, MSG_NOSIGNAL);
    if (put < 0) {
        if (errno == EINTR) return Step::went_on;
        if (errno != EAGAIN) return fail(errno);
        to.writable = false;
        return Step::waiting;
    }
    moved += static_cast<std::uint64_t>(put);
    rest.sent += static_cast<std::size_t>(put);
    if (rest.sent == rest.bytes.size()) rest_.reset();
    return Step::went_on;
}

Transfer::Step Transfer::splice_through(Channel& from, Channel& to, const TransferTools& tools,
                                        std::uint64_t& moved) {
    if (pipe_->held > 0) return empty_pipe(to, moved);
    if (!to.writable) return Step::waiting;
    ssize_t got = -1;
    if (from.readable)
        got = ::splice(from.fd, nullptr, pipe_->write_end.get(), nullptr, pipe_->capacity,
                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    else
        errno = EAGAIN;
    if (got == 0) return Step::ended;
    if (got < 0) {
        if (errno == EINTR) return Step::went_on;
        if (errno != EAGAIN) return fail(errno);
        // Nobody needs the pipe while this direction waits.
        tools.pipes.give_back(std::move(pipe_));
        large_ = large_reads_to_splice - 1;  // one more large read is enough to splice again
        from.readable = false;
        return Step::waiting;
    }
    pipe_->held = static_cast<std::size_t>(got);
    large_ = pipe_->held < small_splice ? static_cast<std::uint8_t>(large_ + 1) : std::uint8_t{0};
    const Step step = empty_pipe(to, moved);
    if (step == Step::went_on && pipe_->held == 0 && large_ >= small_splices_to_copy) {
        large_ = 0;
        tools.pipes.give_back(std::move(pipe_));
    }
    return step;
}

Transfer::Step Transfer::empty_pipe(Channel& to, std::uint64_t& moved) {
    if (!to.writable) return Step::waiting;
    const ssize_t put = ::splice(pipe_->read_end.get(), nullptr, to.fd, nullptr, pipe_->held,
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (put < 0) {
        if (errno == EINTR) return Step::went_on;
        if (errno != EAGAIN) return fail(errno);
        to.writable = false;
        return Step::waiting;
    }
    moved += static_cast<std::uint64_t>(put);
    pipe_->held -= static_cast<std::size_t>(put);
    return Step::went_on;
}

}  // namespace understudy::lb
