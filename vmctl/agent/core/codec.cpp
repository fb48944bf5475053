// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/codec.hpp"

#include <algorithm>
#include <array>

#include "vmctl/agent/core/little_endian.hpp"
#include "vmctl/agent/core/message_body.hpp"

namespace understudy::vmctl {
namespace {

// Not text, and with both byte orders' halves different: no log or exec output looks like it by chance.
constexpr std::array<unsigned char, 16> magic = {0xf5, 'U', 0x00, 'n', 0xd3, 0x1c, 'r', 0x9e,
                                                 0xff, 's', 0x17, 't', 0xa8, 0x02, 'd', 0xc6};

std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return hash;
}

std::string magic_text() {
    return std::string(magic.begin(), magic.end());
}

Result<Message> read_frame(std::string_view frame) {
    return read_body(static_cast<unsigned char>(frame[0]) - std::size_t{1}, frame.substr(1));
}

}  // namespace

std::string session_marker(std::uint64_t session) {
    const std::string start = magic_text() + little_endian(session, 8);
    return start + little_endian(fnv1a(start), 8);
}

Result<std::string> encode(const Message& message) {
    const std::string text = body_of(message);
    if (text.size() + 1 > max_frame_bytes)
        return Error(ErrorKind::bad_input, "agent message", "it is longer than a frame may be")
            .with_number(static_cast<std::int64_t>(text.size()));
    return little_endian(text.size() + 1, 4) + static_cast<char>(message.index() + 1) + text;
}

void Decoder::feed(std::string_view bytes) {
    buffer_.append(bytes);
}

std::optional<std::size_t> Decoder::find_marker(std::size_t from, std::uint64_t& session) const {
    const std::string wanted = magic_text();
    for (std::size_t at = buffer_.find(wanted, from); at != std::string::npos;
         at = buffer_.find(wanted, at + 1)) {
        if (at + session_marker_bytes > buffer_.size()) return std::nullopt;
        session = from_little_endian(std::string_view(buffer_).substr(at + 16, 8));
        if (only_session_ && *only_session_ != session) continue;
        if (buffer_.compare(at, session_marker_bytes, session_marker(session)) == 0) return at;
    }
    return std::nullopt;
}

void Decoder::drop(std::size_t count) {
    buffer_.erase(0, count);
    searched_ = searched_ > count ? searched_ - count : 0;
    if (marker_at_) marker_at_ = *marker_at_ - count;
}

std::optional<Result<Decoded>> Decoder::next() {
    if (!marker_at_) {
        marker_at_ = find_marker(searched_, marker_session_);
        // A marker may have come only in part: the last 31 bytes are searched again.
        if (!marker_at_)
            searched_ = buffer_.size() < session_marker_bytes ? 0 : buffer_.size() - session_marker_bytes + 1;
    }
    if (in_session_ && marker_at_ != std::size_t{0}) {
        const std::size_t end = marker_at_.value_or(buffer_.size());
        if (end >= 4) {
            const std::size_t length = from_little_endian(std::string_view(buffer_).substr(0, 4));
            // A marker that has come only in part reads as a length far beyond the limit: wait for its rest.
            const bool may_be_marker =
                buffer_.size() < session_marker_bytes &&
                buffer_.compare(0, std::min(buffer_.size(), magic.size()), magic_text(), 0,
                                std::min(buffer_.size(), magic.size())) == 0;
            if (may_be_marker) return std::nullopt;
            if (length == 0 || length > max_frame_bytes) {
                in_session_ = false;
                return Result<Decoded>(malformed("a frame's length is out of bounds")
                                           .with_number(static_cast<std::int64_t>(length)));
            }
            if (end >= 4 + length) {
                Result<Message> message = read_frame(std::string_view(buffer_).substr(4, length));
                drop(4 + length);
                if (message.has_error()) {
                    in_session_ = false;
                    return Result<Decoded>(message.error());
                }
                return Result<Decoded>(Decoded(std::move(*message)));
            }
        }
        if (!marker_at_) return std::nullopt;
    }
    if (marker_at_) {
        const std::size_t after = *marker_at_ + session_marker_bytes;
        marker_at_.reset();
        drop(after);
        searched_ = 0;
        in_session_ = true;
        return Result<Decoded>(Decoded(SessionStarted{marker_session_}));
    }
    drop(searched_);
    return std::nullopt;
}

}  // namespace understudy::vmctl
