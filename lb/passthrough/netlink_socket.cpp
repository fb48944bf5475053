// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/netlink_socket.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <vector>

namespace understudy::lb {
namespace {

// The kernel answers at once; this is against hangs.
constexpr timeval answer_limit{5, 0};
constexpr std::size_t receive_buffer = 64 * 1024;  // more than the kernel puts into one datagram

}  // namespace

void NetlinkMessage::put(int attribute, Ipv4Address address) {
    nla_put_u32(message_.get(), attribute, htonl(address.bits));
}
void NetlinkMessage::put_port(int attribute, std::uint16_t port) {
    nla_put_u16(message_.get(), attribute, htons(port));
}
void NetlinkMessage::put_big_endian(int attribute, std::uint32_t value) {
    nla_put_u32(message_.get(), attribute, htonl(value));
}
void NetlinkMessage::nested(int attribute, const std::function<void()>& content) {
    nlattr* start = nla_nest_start(message_.get(), attribute | NLA_F_NESTED);
    content();
    nla_nest_end(message_.get(), start);
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
    NetlinkSocket socket(nl_socket_alloc());
    if (!socket.socket_) return system_error("netlink", ENOMEM);
    if (nl_connect(socket.socket_.get(), protocol) != 0) return refused_by_kernel("netlink", errno);
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &answer_limit, sizeof answer_limit);
    return socket;
}

// Read here rather than by libnl: its own error codes fold several errno into one.
int NetlinkSocket::request(const NetlinkMessage& message) {
    nlmsg_hdr(message.get())->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    nl_complete_msg(socket_.get(), message.get());
    const nlmsghdr* header = nlmsg_hdr(message.get());
    if (::send(descriptor(), header, header->nlmsg_len, 0) < 0) return errno;
    std::vector<char> buffer(receive_buffer);
    while (true) {
        const ssize_t count = ::recv(descriptor(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
        int left = static_cast<int>(count);
        for (auto* part = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(part, left);
             part = nlmsg_next(part, &left))
            if (part->nlmsg_type == NLMSG_ERROR && part->nlmsg_seq == header->nlmsg_seq)
                return -static_cast<const nlmsgerr*>(nlmsg_data(part))->error;
    }
}

Result<void> NetlinkSocket::dump(const NetlinkMessage& message, const std::string& subject,
                                 const std::function<void(const nlmsghdr*)>& each) {
    nlmsg_hdr(message.get())->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
    nl_complete_msg(socket_.get(), message.get());
    const nlmsghdr* header = nlmsg_hdr(message.get());
    if (::send(descriptor(), header, header->nlmsg_len, 0) < 0) return refused_by_kernel(subject, errno);
    std::vector<char> buffer(receive_buffer);
    while (true) {
        const ssize_t count = ::recv(descriptor(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error(subject, errno == EAGAIN ? ETIMEDOUT : errno);
        int left = static_cast<int>(count);
        for (auto* part = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(part, left);
             part = nlmsg_next(part, &left)) {
            if (part->nlmsg_seq != header->nlmsg_seq) continue;
            if (part->nlmsg_type == NLMSG_DONE) return {};
            if (part->nlmsg_type == NLMSG_ERROR)
                return refused_by_kernel(subject, -static_cast<const nlmsgerr*>(nlmsg_data(part))->error);
            each(part);
        }
    }
}

Error refused_by_kernel(const std::string& subject, int errno_value) {
    Error error = system_error(subject, errno_value);
    if (errno_value == EPERM || errno_value == EACCES || errno_value == EOPNOTSUPP ||
        errno_value == EPROTONOSUPPORT) {
        error.kind = ErrorKind::environment;
        error.remedy = errno_value == EPERM || errno_value == EACCES
                           ? "give this process CAP_NET_ADMIN and CAP_NET_RAW, or set data_path: proxy"
                           : "run: sudo modprobe -a nf_tables nft_nat nft_ct nft_hash nf_conntrack_netlink";
    }
    return error;
}

}  // namespace understudy::lb
