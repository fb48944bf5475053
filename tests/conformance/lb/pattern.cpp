// SPDX-License-Identifier: Apache-2.0
#include "pattern.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/random.hpp"

namespace understudy::lb::conformance {
namespace {

constexpr std::size_t block_bytes = 1'048'573;  // a prime
constexpr std::size_t step = 256 * 1024;

// The block and its beginning again, so that a step from any place in it is in one piece.
const std::string& block() {
    static const std::string bytes = [] {
        std::string drawn = drawn_bytes(block_bytes, 42);
        return drawn + drawn.substr(0, step);
    }();
    return bytes;
}

}  // namespace

std::string drawn_bytes(std::size_t size, std::uint64_t seed) {
    Random random(seed);
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t word = random.next();
        std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, size - i));
    }
    return bytes;
}

bool PatternReader::fits(const char* bytes, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        const std::size_t piece = std::min(size - done, step);
        if (std::memcmp(block().data() + at_ % block_bytes, bytes + done, piece) != 0) return false;
        done += piece;
        at_ += piece;
    }
    return true;
}

bool send_all(Peer& peer, const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(peer.fd(), bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool send_pattern(Peer& peer, std::uint64_t size) {
    return send_pattern_until_full(peer, size) == size;
}

std::uint64_t send_pattern_until_full(Peer& peer, std::uint64_t most) {
    std::uint64_t at = 0;
    while (at < most) {
        const ssize_t sent = ::send(peer.fd(), block().data() + at % block_bytes,
                                    std::min<std::uint64_t>(step, most - at), MSG_NOSIGNAL);
        if (sent <= 0) break;
        at += static_cast<std::uint64_t>(sent);
    }
    return at;
}

std::uint64_t receive_pattern(Peer& peer, PatternReader reader) {
    std::vector<char> buffer(step);
    for (ssize_t size = 0; (size = ::recv(peer.fd(), buffer.data(), buffer.size(), 0)) > 0;)
        if (!reader.fits(buffer.data(), static_cast<std::size_t>(size))) break;
    return reader.at();
}

}  // namespace understudy::lb::conformance
