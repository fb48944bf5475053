// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/compress.hpp"

#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>
#include <cstdint>

#include "base/assert.hpp"

namespace understudy::vmctl {
namespace {

constexpr std::size_t block_bytes = 8u << 20;

void append_little_endian_32(std::string& to, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) to += static_cast<char>(value >> (8 * i) & 255);
}

}  // namespace

std::string compress_lz4_legacy(std::string_view data) {
    std::string frame;
    append_little_endian_32(frame, 0x184C2102);
    std::string block(static_cast<std::size_t>(LZ4_compressBound(block_bytes)), '\0');
    for (std::size_t at = 0; at < data.size(); at += block_bytes) {
        const auto size = static_cast<int>(std::min(block_bytes, data.size() - at));
        const int packed = LZ4_compress_HC(data.data() + at, block.data(), size,
                                           static_cast<int>(block.size()), LZ4HC_CLEVEL_DEFAULT);
        UNDERSTUDY_ASSERT(packed > 0, "a buffer of LZ4_compressBound holds any block");
        append_little_endian_32(frame, static_cast<std::uint32_t>(packed));
        frame.append(block, 0, static_cast<std::size_t>(packed));
    }
    return frame;
}

}  // namespace understudy::vmctl
