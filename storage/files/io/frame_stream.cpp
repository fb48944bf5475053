// SPDX-License-Identifier: Apache-2.0
#include "storage/files/io/frame_stream.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "storage/files/core/codec.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {
constexpr std::size_t read_bytes = 64 * 1024;
}

FrameStream::FrameStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

asio::awaitable<Result<std::string>> FrameStream::read_frame(std::uint32_t limit) {
    std::shared_ptr<FrameStream> self = shared_from_this();
    std::size_t wanted = 4;
    while (open_) {
        std::string_view unread = std::string_view(input_).substr(input_used_);
        if (unread.size() >= 4) {
            Result<std::uint32_t> size = frame_size(unread, limit);
            if (size.has_error()) co_return size.error();
            wanted = *size;
        }
        if (wanted > 4 && unread.size() >= wanted) {
            std::string frame(unread.substr(0, wanted));
            input_used_ += wanted;
            if (input_used_ == input_.size()) {
                input_.clear();
                input_used_ = 0;
            }
            co_return frame;
        }
        if (wanted > read_bytes) {  // the rest of a long one goes to its place at once
            std::string frame(unread);
            input_.clear();
            input_used_ = 0;
            const std::size_t had = frame.size();
            frame.resize(wanted);
            const auto all_of_it = [left = wanted - had](boost::system::error_code failed, std::size_t got) {
                return failed ? 0 : left - got;  // asio's own would take 64 KiB at a time
            };
            auto [error, count] =
                co_await asio::async_read(socket_, asio::buffer(frame.data() + had, wanted - had), all_of_it,
                                          asio::as_tuple(asio::use_awaitable));
            if (error) co_return Error(ErrorKind::failed, "9P connection", error.message());
            co_return frame;
        }
        input_.erase(0, std::exchange(input_used_, 0));
        std::size_t had = input_.size();
        input_.resize(std::max(had + read_bytes, wanted));
        auto [error, count] = co_await socket_.async_read_some(
            asio::buffer(input_.data() + had, input_.size() - had), asio::as_tuple(asio::use_awaitable));
        input_.resize(had + count);
        if (error) co_return Error(ErrorKind::failed, "9P connection", error.message());
    }
    co_return Error(ErrorKind::failed, "9P connection", "closed");
}

void FrameStream::send(std::shared_ptr<const std::string> frame) {
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
    buffers.reserve(in_flight_.size());
    for (const auto& frame : in_flight_) buffers.emplace_back(asio::buffer(*frame));
    asio::async_write(socket_, buffers,
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
    auto milliseconds =
        static_cast<unsigned int>(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count());
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

}  // namespace understudy::files
