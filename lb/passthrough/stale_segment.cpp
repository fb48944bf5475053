// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/stale_segment.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lb/passthrough/netlink_socket.hpp"

namespace understudy::lb {
namespace {

struct Segment {
    iphdr ip;
    tcphdr tcp;
};
static_assert(sizeof(Segment) == 40);

// RFC 1071 over the segment and its pseudo header. The kernel fills in the sum of the IP header.
std::uint16_t tcp_checksum(const Segment& segment) {
    struct {
        std::uint32_t source, destination;
        std::uint16_t protocol, length;
        tcphdr tcp;
    } const summed{segment.ip.saddr, segment.ip.daddr, htons(IPPROTO_TCP), htons(sizeof(tcphdr)),
                   segment.tcp};
    std::array<std::uint16_t, sizeof summed / 2> words{};
    std::memcpy(words.data(), &summed, sizeof summed);
    std::uint32_t sum = 0;
    for (const std::uint16_t word : words) sum += word;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

Result<StaleSegments> StaleSegments::open() {
    io::UniqueFd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
    if (!socket.valid()) return refused_by_kernel("raw socket", errno);
    const std::uint32_t none = 0;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &none, sizeof none) != 0)
        return refused_by_kernel("mark of a raw socket", errno);
    return StaleSegments(std::move(socket));
}

void StaleSegments::send(Endpoint from, Endpoint to, std::uint32_t mark) {
    if (mark != mark_ && ::setsockopt(socket_.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0)
        mark_ = mark;
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_addr.s_addr = htonl(to.address.bits);
    Segment segment{};
    segment.ip.version = 4;
    segment.ip.ihl = 5;
    segment.ip.ttl = 64;
    segment.ip.protocol = IPPROTO_TCP;
    segment.ip.tot_len = htons(sizeof segment);
    segment.ip.saddr = htonl(from.address.bits);
    segment.ip.daddr = htonl(to.address.bits);
    segment.tcp.source = htons(from.port);
    segment.tcp.dest = htons(to.port);
    segment.tcp.doff = 5;
    segment.tcp.ack = 1;
    // No window reaches across half the number space: one of the two is outside it.
    for (const std::uint32_t sequence : {0U, 0x80000000U}) {
        segment.tcp.seq = htonl(sequence);
        segment.tcp.check = 0;
        segment.tcp.check = tcp_checksum(segment);
        static_cast<void>(::sendto(socket_.get(), &segment, sizeof segment, MSG_DONTWAIT,
                                   reinterpret_cast<const sockaddr*>(&target), sizeof target));
    }
}

}  // namespace understudy::lb
