// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/read_ahead.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/io/clock.hpp"

namespace understudy::files {
namespace {

constexpr Duration good_for = 20ms;
constexpr std::uint32_t min_piece_bytes = 64 << 10;
constexpr std::uint64_t max_bytes_ahead = 2 << 20;
constexpr std::size_t max_bytes = 16 << 20;
constexpr std::size_t may_be_lost = 8;

}  // namespace

bool ReadAhead::is_good(const Piece& piece) const {
    return io::monotonic_now() - piece.asked <= good_for && piece.connection == link_.connections();
}

RequestPtr ReadAhead::take(const OpenFile& file, std::uint64_t offset, std::uint32_t bytes) {
    const auto found = files_.find(file.fid);
    if (found == files_.end() || found->second.pieces.empty()) return nullptr;
    Piece& first = found->second.pieces.front();
    if (first.offset != offset || first.bytes != bytes || !is_good(first)) {
        drop(found->second);
        return nullptr;
    }
    RequestPtr request = std::move(first.request);
    bytes_ -= first.bytes;
    ++found->second.used;
    found->second.pieces.pop_front();
    return request;
}

void ReadAhead::read(const OpenFile& file, std::uint64_t offset, std::uint32_t bytes) {
    if (bytes < min_piece_bytes || (file.flags & (O_ACCMODE | O_DIRECT | O_SYNC | O_DSYNC)) != O_RDONLY)
        return;
    File& state = files_[file.fid];
    state.number = file.number;
    const bool in_order = std::exchange(state.read_end, offset + bytes) == offset && offset != 0;
    if (!in_order || !link_.is_ready() || state.lost > may_be_lost + state.used / 4) return;
    std::uint64_t next = state.pieces.empty() ? offset + bytes : state.pieces.back().offset + bytes;
    // More and more, so that little is asked for in vain at the end of a short file.
    const std::uint64_t ahead = std::min<std::uint64_t>(2 * bytes * (state.used + 1), max_bytes_ahead);
    const std::uint64_t end = offset + bytes + std::max<std::uint64_t>(ahead, bytes);
    for (; next + bytes <= end && bytes_ + bytes <= max_bytes; next += bytes) {
        Piece piece{nullptr, std::make_shared<bool>(false), next,
                    bytes,   io::monotonic_now(),           link_.connections()};
        piece.request = link_.send(Tread{file.fid, next, bytes}, piece.abandoned);
        bytes_ += bytes;
        state.pieces.push_back(std::move(piece));
    }
    expire_later();
}

void ReadAhead::drop(File& file) {
    for (const Piece& piece : file.pieces) {
        *piece.abandoned = true;
        bytes_ -= piece.bytes;
    }
    file.lost += file.pieces.size();
    file.pieces.clear();
}

void ReadAhead::drop(std::uint64_t number) {
    for (auto& [fid, file] : files_)
        if (file.number == number) drop(file);
}

void ReadAhead::drop_all() {
    for (auto& [fid, file] : files_) drop(file);
}

void ReadAhead::closed(const OpenFile& file) {
    const auto found = files_.find(file.fid);
    if (found == files_.end()) return;
    drop(found->second);
    files_.erase(found);
}

// What nobody came for is not kept.
void ReadAhead::expire_later() {
    if (bytes_ == 0 || std::exchange(expires_, true)) return;
    expiry_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(good_for));
    expiry_.async_wait([this, alive = std::weak_ptr<ReadAhead*>(self_)](boost::system::error_code error) {
        if (error || alive.expired()) return;
        expires_ = false;
        for (auto& [fid, file] : files_)
            if (!file.pieces.empty() && !is_good(file.pieces.front())) drop(file);
        expire_later();
    });
}

}  // namespace understudy::files
