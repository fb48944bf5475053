// SPDX-License-Identifier: Apache-2.0
// 9P frames over one TCP connection: whole frames in, frames out in the order they were sent, without waiting
// for the peer. Those that are sent in one turn of the executor go out together. What is not yet on its way
// is counted in queued_bytes(); the owner stops making more where that is too much. One thread (the
// executor's). After close() reads give an error and sends do nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "storage/files/core/codec.hpp"

namespace understudy::files {

class FrameStream : public std::enable_shared_from_this<FrameStream> {
  public:
    explicit FrameStream(boost::asio::ip::tcp::socket socket);

    // The next frame, of at most `limit` bytes. Fails at the end of the stream, on a malformed size and after
    // close().
    boost::asio::awaitable<Result<Frame>> read_frame(std::uint32_t limit);

    void send(Frame frame) { send(std::make_shared<const Frame>(std::move(frame))); }
    void send(std::shared_ptr<const Frame> frame);
    void close();  // at once; nothing queued is sent any more

    // The kernel gives the connection up when sent data stays unacknowledged for this long
    // (TCP_USER_TIMEOUT).
    void set_user_timeout(Duration limit);

    bool is_open() const { return open_; }
    std::size_t queued_bytes() const { return queued_bytes_ + in_flight_bytes_; }

  private:
    std::string_view unread() const { return {input_.get() + input_used_, input_end_ - input_used_}; }
    boost::asio::awaitable<Result<Frame>> read_long(std::size_t bytes);
    void write_queued();
    boost::asio::ip::tcp::socket socket_;
    using Frames = std::vector<std::shared_ptr<const Frame>>;
    Frames queued_, in_flight_;
    std::size_t queued_bytes_ = 0, in_flight_bytes_ = 0;
    bool write_is_due_ = false;
    std::unique_ptr<char[]> input_;  // what came and is not used yet: from input_used_ to input_end_
    std::size_t input_used_ = 0, input_end_ = 0;
    bool open_ = true;
};

}  // namespace understudy::files
