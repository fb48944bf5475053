// SPDX-License-Identifier: Apache-2.0
// Messages as bytes. A frame is a 4-byte little-endian length (of what follows, 1 to 1 MiB), one type byte, a
// body (message_body.hpp).
//
// A virtio-serial port keeps no boundaries over a VM reset: what arrives may begin or stop inside a frame of
// an old boot. So each side opens a session with a 32-byte marker: 16 bytes of magic, the session number (8
// bytes, little endian, drawn by the agent at each opening of the channel) and FNV-1a 64 of those 24. The
// agent sends marker and Hello, again and again until the supervisor answers with the same marker; frames
// follow. A decoder drops bytes until a marker, and a marker inside a frame ends that frame: a new boot cut
// it off.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

constexpr std::size_t max_frame_bytes = 1 << 20;   // type and body
constexpr std::size_t max_chunk_bytes = 16 << 10;  // of exec data and logs, by convention of the senders
constexpr std::size_t session_marker_bytes = 32;

std::string session_marker(std::uint64_t session);

// bad_input when the frame would be longer than max_frame_bytes.
Result<std::string> encode(const Message& message);

struct SessionStarted {
    std::uint64_t session = 0;
};
using Decoded = std::variant<SessionStarted, Message>;

// Feed bytes as they come, then call next() until it gives nothing. Holds one frame and one marker at most,
// beyond what was fed last. An Error means a malformed frame; the decoder has then gone back to looking for a
// marker and next() may be called again. With `only_session`, markers of other sessions are passed over (the
// agent's side).
class Decoder {
  public:
    Decoder() = default;
    explicit Decoder(std::uint64_t only_session) : only_session_(only_session) {}

    void feed(std::string_view bytes);
    std::optional<Result<Decoded>> next();

  private:
    std::optional<std::size_t> find_marker(std::size_t from, std::uint64_t& session) const;
    void drop(std::size_t count);

    std::optional<std::uint64_t> only_session_;
    std::string buffer_;
    std::size_t searched_ = 0;              // no marker begins before this
    std::optional<std::size_t> marker_at_;  // the first one in buffer_
    std::uint64_t marker_session_ = 0;
    bool in_session_ = false;
};

}  // namespace understudy::vmctl
