// SPDX-License-Identifier: Apache-2.0
// The 9P decoder. What is accepted is written again as the same bytes; what is refused has a reason, and is
// no frame for any other reader of it: a shorter or a longer one is refused too.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/files/core/codec.hpp"

using namespace understudy::files;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (size >= 4) {
        const auto length = frame_size(input.substr(0, 4), max_message_bytes);
        if (length.has_value() && (*length < frame_header_bytes || *length > max_message_bytes)) std::abort();
        if (length.has_error() && length.error().message().empty()) std::abort();
    }
    // A frame of the right size, so that the fields behind it are reached.
    std::string frame(input);
    if (frame.size() >= 4)
        for (int i = 0; i < 4; ++i)
            frame[static_cast<std::size_t>(i)] = static_cast<char>(frame.size() >> 8 * i);
    const auto message = decode(frame);
    if (message.has_error()) {
        if (message.error().message().empty()) std::abort();
    } else {
        if (encode(*message) != frame) std::abort();
        if (decode(std::string_view(frame).substr(0, frame.size() - 1)).has_value()) std::abort();
        if (decode(frame + '\0').has_value()) std::abort();
    }
    const auto entries = decode_entries(input);
    if (entries.has_error()) {
        if (entries.error().message().empty()) std::abort();
        return 0;
    }
    std::string written;
    for (const DirectoryEntry& entry : *entries)
        if (!append_entry(written, entry, size)) std::abort();
    if (written != input) std::abort();
    return 0;
}
