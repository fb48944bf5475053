// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/decompress.hpp"

#include <lz4.h>
#include <lzma.h>
#include <zstd.h>

#include <cstdint>
#include <memory>

namespace understudy::vmctl {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view lz4_legacy_magic = "\x02\x21\x4c\x18"sv;
constexpr std::string_view zstd_magic = "\x28\xb5\x2f\xfd"sv;
constexpr std::string_view xz_magic =
    "\xfd"
    "7zXZ\0"sv;
constexpr std::size_t lz4_block_bytes = 8u << 20;  // of the legacy frame, decompressed

Error damaged(const std::string& subject, const char* reason) {
    return Error(ErrorKind::failed, subject, std::string("is damaged: ") + reason);
}

std::uint32_t little_endian_32(std::string_view data, std::size_t at) {
    std::uint32_t value = 0;
    for (int i = 3; i >= 0; --i)
        value = value << 8 | static_cast<unsigned char>(data[at + static_cast<std::size_t>(i)]);
    return value;
}

// Blocks, each after its compressed size. The kernel's build appends the decompressed size, which is no
// block's.
Result<std::string> decompress_lz4(std::string_view data, const std::string& subject) {
    std::string output;
    std::size_t at = lz4_legacy_magic.size();
    while (data.size() - at > 4) {
        const std::uint32_t size = little_endian_32(data, at);
        if (data.substr(at, 4) == lz4_legacy_magic) {
            at += 4;
            continue;
        }
        at += 4;
        if (size == 0 || size > data.size() - at) return damaged(subject, "an LZ4 block is cut short");
        const std::size_t before = output.size();
        if (before + lz4_block_bytes > max_decompressed_bytes) return damaged(subject, "it is too large");
        output.resize(before + lz4_block_bytes);
        const int got = LZ4_decompress_safe(data.data() + at, output.data() + before, static_cast<int>(size),
                                            static_cast<int>(lz4_block_bytes));
        if (got < 0) return damaged(subject, "an LZ4 block can't be read");
        output.resize(before + static_cast<std::size_t>(got));
        at += size;
    }
    return output;
}

Result<std::string> decompress_zstd(std::string_view data, const std::string& subject) {
    const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                          ZSTD_freeDStream);
    // Kernels use windows larger than the library's default limit.
    ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 31);
    std::string output;
    std::string piece(ZSTD_DStreamOutSize(), '\0');
    ZSTD_inBuffer in{data.data(), data.size(), 0};
    for (std::size_t left = 1; left != 0;) {
        const std::size_t consumed = in.pos;
        ZSTD_outBuffer out{piece.data(), piece.size(), 0};
        left = ZSTD_decompressStream(stream.get(), &out, &in);
        if (ZSTD_isError(left)) return damaged(subject, ZSTD_getErrorName(left));
        if (left != 0 && out.pos == 0 && in.pos == consumed)
            return damaged(subject, "its Zstandard frame is cut short");
        output.append(piece, 0, out.pos);
        if (output.size() > max_decompressed_bytes) return damaged(subject, "it is too large");
    }
    return output;
}

Result<std::string> decompress_xz(std::string_view data, const std::string& subject) {
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, 512u << 20, 0) != LZMA_OK)
        return damaged(subject, "the XZ decoder failed");
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> owner(&stream, lzma_end);
    std::string output;
    std::string piece(1u << 20, '\0');
    stream.next_in = reinterpret_cast<const std::uint8_t*>(data.data());
    stream.avail_in = data.size();
    for (lzma_ret status = LZMA_OK; status == LZMA_OK;) {
        stream.next_out = reinterpret_cast<std::uint8_t*>(piece.data());
        stream.avail_out = piece.size();
        status = lzma_code(&stream, LZMA_FINISH);
        if (status != LZMA_OK && status != LZMA_STREAM_END)
            return damaged(subject, "its XZ stream can't be read");
        output.append(piece, 0, piece.size() - stream.avail_out);
        if (output.size() > max_decompressed_bytes) return damaged(subject, "it is too large");
    }
    return output;
}

}  // namespace

Result<std::string> decompress(std::string_view data, const std::string& subject) {
    if (data.starts_with(lz4_legacy_magic)) return decompress_lz4(data, subject);
    if (data.starts_with(zstd_magic)) return decompress_zstd(data, subject);
    if (data.starts_with(xz_magic)) return decompress_xz(data, subject);
    return Error(ErrorKind::failed, subject, "is in a compression that is not LZ4, Zstandard or XZ");
}

}  // namespace understudy::vmctl
