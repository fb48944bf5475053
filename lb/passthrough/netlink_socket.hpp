// SPDX-License-Identifier: Apache-2.0
// A netlink socket whose waits all have a limit, and messages for it, over libnl. It acts on the network
// namespace of the thread that opened it. Private to lb/passthrough. Threads: one at a time.
#pragma once

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <functional>
#include <memory>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"

namespace understudy::lb {

class NetlinkMessage {
  public:
    NetlinkMessage(int type, int flags) : message_(nlmsg_alloc_simple(type, flags)) {}
    template <typename Header>
    void header(Header value) {
        nlmsg_append(message_.get(), &value, sizeof value, NLMSG_ALIGNTO);
    }
    void put(int attribute, std::uint32_t value) { nla_put_u32(message_.get(), attribute, value); }
    void put(int attribute, Ipv4Address address);      // in network byte order
    void put_port(int attribute, std::uint16_t port);  // in network byte order
    void put_byte(int attribute, std::uint8_t value) { nla_put_u8(message_.get(), attribute, value); }
    void put_big_endian(int attribute, std::uint32_t value);
    void nested(int attribute, const std::function<void()>& content);
    nl_msg* get() const { return message_.get(); }

  private:
    struct Free {
        void operator()(nl_msg* message) const { nlmsg_free(message); }
    };
    std::unique_ptr<nl_msg, Free> message_;
};

class NetlinkSocket {
  public:
    // protocol: NETLINK_ROUTE, NETLINK_NETFILTER.
    static Result<NetlinkSocket> open(int protocol);

    // Sends a request and waits for the kernel's answer: 0, or an errno.
    int request(const NetlinkMessage& message);

    // Sends a dump request and hands every message of the answer to `each`.
    Result<void> dump(const NetlinkMessage& message, const std::string& subject,
                      const std::function<void(const nlmsghdr*)>& each);

    int descriptor() const { return nl_socket_get_fd(socket_.get()); }

  private:
    struct Free {
        void operator()(nl_sock* socket) const { nl_socket_free(socket); }
    };
    explicit NetlinkSocket(nl_sock* socket) : socket_(socket) {}
    std::unique_ptr<nl_sock, Free> socket_;
};

// What every refusal for want of rights says.
Error refused_by_kernel(const std::string& subject, int errno_value);

}  // namespace understudy::lb
