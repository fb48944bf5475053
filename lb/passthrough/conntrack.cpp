// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace understudy::lb {
namespace {

constexpr int message_type(int message) {
    return NFNL_SUBSYS_CTNETLINK << 8 | message;
}

constexpr int event_buffer_bytes = 4 * 1024 * 1024;

bool alive(int tcp_state) {
    return tcp_state == TCP_CONNTRACK_ESTABLISHED || tcp_state == TCP_CONNTRACK_FIN_WAIT ||
           tcp_state == TCP_CONNTRACK_CLOSE_WAIT;
}

std::uint32_t big_endian(nlattr* attribute) {
    return ntohl(nla_get_u32(attribute));
}

FlowTuple read_tuple(nlattr* attribute, std::uint8_t* protocol) {
    FlowTuple tuple;
    std::array<nlattr*, CTA_TUPLE_MAX + 1> parts{};
    std::array<nlattr*, CTA_IP_MAX + 1> ip{};
    std::array<nlattr*, CTA_PROTO_MAX + 1> proto{};
    nla_parse_nested(parts.data(), CTA_TUPLE_MAX, attribute, nullptr);
    if (parts[CTA_TUPLE_IP] != nullptr) nla_parse_nested(ip.data(), CTA_IP_MAX, parts[CTA_TUPLE_IP], nullptr);
    if (parts[CTA_TUPLE_PROTO] != nullptr)
        nla_parse_nested(proto.data(), CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO], nullptr);
    if (ip[CTA_IP_V4_SRC] != nullptr) tuple.source.address.bits = big_endian(ip[CTA_IP_V4_SRC]);
    if (ip[CTA_IP_V4_DST] != nullptr) tuple.destination.address.bits = big_endian(ip[CTA_IP_V4_DST]);
    if (proto[CTA_PROTO_SRC_PORT] != nullptr)
        tuple.source.port = ntohs(nla_get_u16(proto[CTA_PROTO_SRC_PORT]));
    if (proto[CTA_PROTO_DST_PORT] != nullptr)
        tuple.destination.port = ntohs(nla_get_u16(proto[CTA_PROTO_DST_PORT]));
    if (proto[CTA_PROTO_NUM] != nullptr) *protocol = nla_get_u8(proto[CTA_PROTO_NUM]);
    return tuple;
}

std::optional<ConntrackFlow> read_flow(const nlmsghdr* header) {
    std::array<nlattr*, CTA_MAX + 1> parts{};
    // libnl takes no const here, and writes nothing.
    if (nlmsg_parse(const_cast<nlmsghdr*>(header), sizeof(nfgenmsg), parts.data(), CTA_MAX, nullptr) != 0 ||
        parts[CTA_TUPLE_ORIG] == nullptr || parts[CTA_TUPLE_REPLY] == nullptr)
        return std::nullopt;
    ConntrackFlow flow;
    flow.original = read_tuple(parts[CTA_TUPLE_ORIG], &flow.protocol);
    flow.reply = read_tuple(parts[CTA_TUPLE_REPLY], &flow.protocol);
    if (parts[CTA_MARK] != nullptr) flow.mark = big_endian(parts[CTA_MARK]);
    if (parts[CTA_ID] != nullptr) flow.id = nla_get_u32(parts[CTA_ID]);
    std::array<nlattr*, CTA_PROTOINFO_MAX + 1> info{};
    std::array<nlattr*, CTA_PROTOINFO_TCP_MAX + 1> tcp{};
    if (parts[CTA_PROTOINFO] != nullptr)
        nla_parse_nested(info.data(), CTA_PROTOINFO_MAX, parts[CTA_PROTOINFO], nullptr);
    if (info[CTA_PROTOINFO_TCP] != nullptr)
        nla_parse_nested(tcp.data(), CTA_PROTOINFO_TCP_MAX, info[CTA_PROTOINFO_TCP], nullptr);
    if (tcp[CTA_PROTOINFO_TCP_STATE] != nullptr) flow.tcp_state = nla_get_u8(tcp[CTA_PROTOINFO_TCP_STATE]);
    return flow;
}

// Lets through what has a TCP state of `alive`: first the nested attributes are found, then the byte.
Result<void> filter_events(int descriptor) {
    constexpr auto ancillary = static_cast<std::uint32_t>(SKF_AD_OFF);
    std::array<sock_filter, 17> program{{
        BPF_STMT(BPF_LD | BPF_IMM, sizeof(nlmsghdr) + sizeof(nfgenmsg)),
        BPF_STMT(BPF_LDX | BPF_IMM, CTA_PROTOINFO),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ancillary + SKF_AD_NLATTR),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 12, 0),
        BPF_STMT(BPF_LDX | BPF_IMM, CTA_PROTOINFO_TCP),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ancillary + SKF_AD_NLATTR_NEST),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 9, 0),
        BPF_STMT(BPF_LDX | BPF_IMM, CTA_PROTOINFO_TCP_STATE),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ancillary + SKF_AD_NLATTR_NEST),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 6, 0),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, sizeof(nlattr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_CONNTRACK_ESTABLISHED, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_CONNTRACK_FIN_WAIT, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_CONNTRACK_CLOSE_WAIT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return {};
    return system_error("filter of conntrack events", errno, ErrorKind::environment);
}

}  // namespace

bool ConntrackFlow::open() const {
    return protocol != IPPROTO_TCP || alive(tcp_state) || tcp_state == TCP_CONNTRACK_LAST_ACK;
}

Result<Conntrack> Conntrack::open() {
    UNDERSTUDY_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_NETFILTER));
    return Conntrack(std::move(socket));
}

Result<std::vector<ConntrackFlow>> Conntrack::flows(std::optional<std::uint32_t> mark) {
    NetlinkMessage message(message_type(IPCTNL_MSG_CT_GET), 0);
    message.header(nfgenmsg{AF_INET, NFNETLINK_V0, 0});
    if (mark) {
        message.put_big_endian(CTA_MARK, *mark);
        message.put_big_endian(CTA_MARK_MASK, 0xffffffff);
    }
    std::vector<ConntrackFlow> flows;
    UNDERSTUDY_CHECK(socket_.dump(message, "conntrack", [&flows](const nlmsghdr* header) {
        if (const auto flow = read_flow(header)) flows.push_back(*flow);
    }));
    return flows;
}

Result<void> Conntrack::remove(const ConntrackFlow& flow) {
    NetlinkMessage message(message_type(IPCTNL_MSG_CT_DELETE), 0);
    message.header(nfgenmsg{AF_INET, NFNETLINK_V0, 0});
    message.nested(CTA_TUPLE_ORIG, [&message, &flow] {
        message.nested(CTA_TUPLE_IP, [&message, &flow] {
            message.put(CTA_IP_V4_SRC, flow.original.source.address);
            message.put(CTA_IP_V4_DST, flow.original.destination.address);
        });
        message.nested(CTA_TUPLE_PROTO, [&message, &flow] {
            message.put_byte(CTA_PROTO_NUM, flow.protocol);
            message.put_port(CTA_PROTO_SRC_PORT, flow.original.source.port);
            message.put_port(CTA_PROTO_DST_PORT, flow.original.destination.port);
        });
    });
    message.put(CTA_ID, flow.id);
    const int failed = socket_.request(message);
    if (failed == 0 || failed == ENOENT) return {};
    return refused_by_kernel("conntrack entry of " + to_string(flow.original.source), failed);
}

// A dump reaps what it passes that has expired, before it looks at what was asked for: so nothing is asked
// for.
Result<void> Conntrack::sweep() {
    UNDERSTUDY_TRY(const auto none, flows(0xffffffff));
    static_cast<void>(none);
    return {};
}

Result<IdleFlows> IdleFlows::open() {
    UNDERSTUDY_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_NETFILTER));
    UNDERSTUDY_CHECK(filter_events(socket.descriptor()));
    const int bytes = event_buffer_bytes;
    // Without the right to force it the ordinary buffer has to do.
    static_cast<void>(::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes));
    const int group = NFNLGRP_CONNTRACK_DESTROY;
    if (::setsockopt(socket.descriptor(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
        return refused_by_kernel("conntrack events", errno);
    return IdleFlows(std::move(socket));
}

std::vector<ConntrackFlow> IdleFlows::take() {
    std::vector<ConntrackFlow> flows;
    std::array<char, 16 * 1024> buffer;
    while (true) {
        const ssize_t count = ::recv(socket_.descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
        if (count <= 0) return flows;
        int left = static_cast<int>(count);
        for (auto* part = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(part, left);
             part = nlmsg_next(part, &left)) {
            // A flow that somebody removed is told with his port; one that expired with none.
            if (part->nlmsg_type != message_type(IPCTNL_MSG_CT_DELETE) || part->nlmsg_pid != 0) continue;
            if (const auto flow = read_flow(part)) flows.push_back(*flow);
        }
    }
}

}  // namespace understudy::lb
