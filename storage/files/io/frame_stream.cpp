// SPDX-License-Identifier: Apache-2.0
#include "storage/files/io/frame_stream.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace understudy::files {
namespace asio = boost::asio;

namespace {

constexpr std::size_t input_bytes = 64 * 1024;
constexpr std::size_t size_field_bytes = 4;

// All of so many bytes: asio's own conditions take 64 KiB in a step.
auto all_of(std::size_t bytes) {
    return [bytes](boost::system::error_code failed, std::size_t done) { return failed ? 0 : bytes - done; };
}

}  // namespace

FrameStream::FrameStream(asio::ip::tcp::socket socket)
    : socket_(std::move(socket)), input_(std::make_unique_for_overwrite<char[]>(input_bytes)) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

asio::awaitable<Result<Frame>> FrameStream::read_frame(std::uint32_t limit) {
    std::shared_ptr<FrameStream> self = shared_from_this();
    while (open_) {
        std::size_t wanted = frame_header_bytes;
        if (unread().size() >= size_field_bytes) {
            Result<std::uint32_t> size = frame_size(unread(), limit);
            if (size.has_error()) co_return size.error();
            wanted = *size;
        }
        if (wanted > input_bytes && unread().size() >= frame_header_bytes)
            co_return co_await read_long(wanted);
        if (unread().size() >= wanted) {
            Frame frame{std::string(unread().substr(0, wanted)), {}};
            input_used_ += wanted;
            co_return frame;
        }
        std::copy(input_.get() + input_used_, input_.get() + input_end_, input_.get());
        input_end_ -= std::exchange(input_used_, 0);
        auto [error, count] = co_await socket_.async_read_some(
            asio::buffer(input_.get() + input_end_, input_bytes - input_end_),
            asio::as_tuple(asio::use_awaitable));
        input_end_ += count;
        if (error) co_return Error(ErrorKind::failed, "9P connection", error.message());
    }
    co_return Error(ErrorKind::failed, "9P connection", "closed");
}

// What has not come yet goes to its place at once.
asio::awaitable<Result<Frame>> FrameStream::read_long(std::size_t bytes) {
    Frame frame;
    // A type without data is one piece.
    const std::size_t split = bytes_before_data(static_cast<std::uint8_t>(unread()[4]));
    frame.head.resize(split == 0 ? bytes : split);
    frame.data.resize(bytes - frame.head.size());
    const std::size_t in_head = std::min(unread().size(), frame.head.size());
    const std::size_t in_data = std::min(unread().size() - in_head, frame.data.size());
    unread().copy(frame.head.data(), in_head);
    unread().copy(frame.data.data(), in_data, in_head);
    input_used_ += in_head + in_data;
    const std::array<asio::mutable_buffer, 2> missing = {
        asio::buffer(frame.head.data() + in_head, frame.head.size() - in_head),
        asio::buffer(frame.data.data() + in_data, frame.data.size() - in_data)};
    const auto everything = all_of(bytes - in_head - in_data);
    auto [error, count] =
        co_await asio::async_read(socket_, missing, everything, asio::as_tuple(asio::use_awaitable));
    if (error) co_return Error(ErrorKind::failed, "9P connection", error.message());
    co_return frame;
}

void FrameStream::send(std::shared_ptr<const Frame> frame) {
    if (!open_) return;
    queued_bytes_ += frame->size();
    queued_.push_back(std::move(frame));
    if (std::exchange(write_is_due_, true)) return;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->write_is_due_ = false;
        self->write_queued();
    });
}

void FrameStream::write_queued() {
    if (!in_flight_.empty() || queued_.empty() || !open_) return;
    in_flight_ = std::exchange(queued_, {});
    in_flight_bytes_ = std::exchange(queued_bytes_, 0);
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(in_flight_.size() * 2);
    for (const auto& frame : in_flight_) {
        buffers.emplace_back(asio::buffer(frame->head));
        if (!frame->data.empty()) buffers.emplace_back(asio::buffer(frame->data));
    }
    asio::async_write(socket_, buffers, all_of(in_flight_bytes_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          self->in_flight_.clear();
                          self->in_flight_bytes_ = 0;
                          if (error)
                              self->close();
                          else
                              self->write_queued();
                      });
}

void FrameStream::close() {
    if (!open_) return;
    open_ = false;
    queued_.clear();
    queued_bytes_ = 0;
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
}

void FrameStream::set_user_timeout(Duration limit) {
    auto milliseconds = static_cast<unsigned int>(whole_milliseconds(limit));
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

}  // namespace understudy::files
