// SPDX-License-Identifier: Apache-2.0
// Whole numbers of the agent's frames as bytes, the lowest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::vmctl {

inline std::string little_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int index = 0; index < bytes; ++index)
        text.push_back(static_cast<char>(value >> (8 * index) & 0xff));
    return text;
}

inline std::uint64_t from_little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t index = bytes.size(); index-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[index]);
    return value;
}

}  // namespace understudy::vmctl
