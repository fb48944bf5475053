// SPDX-License-Identifier: Apache-2.0
// 9P2000.L messages to bytes and back. A frame is size[4] type[1] tag[2] fields; size counts itself. Decoding
// takes one whole frame and refuses, with a reason: a size that isn't the frame's, an unknown type, a field
// that passes the end, bytes left over, a NUL inside a string, more than 16 names in a walk. It allocates no
// more than the frame holds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "storage/files/core/message.hpp"

namespace understudy::files {

constexpr std::size_t frame_header_bytes = 7;

// A frame in two pieces, so that the data of a long Rread, Rreaddir or Twrite, which end it, are never
// copied. A decoder takes one that is whole in `head`, too.
struct Frame {
    std::string head, data;
    std::size_t size() const { return head.size() + data.size(); }
};

// The message must fit: no string above 65535 bytes. The caller keeps frames within the agreed msize.
std::string encode(const Message& message);
Frame encode_frame(Message message);

Result<Message> decode(std::string_view frame);
Result<Message> decode(Frame frame);

// How many bytes come before the data of a frame of this type; 0: it has none.
std::size_t bytes_before_data(std::uint8_t type);

// The frame's size from its first four bytes; refuses less than a header and more than `limit`.
Result<std::uint32_t> frame_size(std::string_view first_four_bytes, std::uint32_t limit);

// Appends one entry unless that would make `entries` longer than `limit`; false then.
bool append_entry(std::string& entries, const DirectoryEntry& entry, std::size_t limit);
Result<std::vector<DirectoryEntry>> decode_entries(std::string_view entries);

const char* type_name(const Body& body);  // "Twalk"

}  // namespace understudy::files
