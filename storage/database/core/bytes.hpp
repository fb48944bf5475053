// SPDX-License-Identifier: Apache-2.0
// Integers as the wire has them: big endian, two's complement; and digits of hexadecimal text.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace understudy::database {

inline std::string big_endian_bytes(std::uint64_t value, int bytes) {
    std::string text;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        text += static_cast<char>(value >> shift & 0xff);
    return text;
}

inline std::int64_t from_big_endian(std::string_view bytes) {  // sign-extended
    std::uint64_t value =
        !bytes.empty() && (bytes[0] & 0x80) != 0 ? std::numeric_limits<std::uint64_t>::max() : 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

// -1 for what is none.
inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace understudy::database
