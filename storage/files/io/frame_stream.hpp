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
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::files {

class FrameStream : public std::enable_shared_from_this<FrameStream> {
  public:
    explicit FrameStream(boost::asio::ip::tcp::socket socket);

    // The next frame, of at most `limit` bytes. Fails at the end of the stream, on a malformed size and after
    // close().
    boost::asio::awaitable<Result<std::string>> read_frame(std::uint32_t limit);

    void send(std::string frame) { send(std::make_shared<const std::string>(std::move(frame))); }
    void send(std::shared_ptr<const std::string> frame);
    void close();  // at once; nothing queued is sent any more

    // The kernel gives the connection up when sent data stays unacknowledged for this long
    // (TCP_USER_TIMEOUT).
    void set_user_timeout(Duration limit);

    bool is_open() const { return open_; }
    std::size_t queued_bytes() const { return queued_bytes_ + in_flight_bytes_; }

  private:
    void write_queued();
    boost::asio::ip::tcp::socket socket_;
    using Frames = std::vector<std::shared_ptr<const std::string>>;
    Frames queued_, in_flight_;
    std::size_t queued_bytes_ = 0, in_flight_bytes_ = 0;
    bool write_is_due_ = false;
    std::string input_;
    std::size_t input_used_ = 0;
    bool open_ = true;
};

}  // namespace understudy::files
