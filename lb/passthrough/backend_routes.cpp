// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/backend_routes.hpp"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>

namespace understudy::lb {
namespace {

constexpr std::uint32_t id_mask = 0xffff;
constexpr std::uint32_t last_resort = 1000;  // metric of the route for what can't be delivered

}  // namespace

Result<BackendRoutes> BackendRoutes::open() {
    UNDERSTUDY_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
    return BackendRoutes(std::move(socket));
}

Result<void> BackendRoutes::set(Ipv4Address frontend, const std::vector<Wanted>& wanted) {
    const std::set<Wanted> next(wanted.begin(), wanted.end());
    const bool moved = frontend != frontend_;
    std::vector<Wanted> added;
    const auto undo = [this, frontend, &added] {
        for (const Wanted& one : added) remove(frontend, one);
    };
    for (const Wanted& one : next) {
        if (!moved && present_.contains(one)) continue;
        // No backend must be found in another's place while its own route is missing.
        int failed = change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, one.backend, true);
        Result<void> ruled;
        if (failed == 0) ruled = change_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, frontend, one);
        if (failed != 0 || ruled.has_error()) {
            undo();
            return failed != 0 ? refused_by_kernel("route to " + to_string(one.backend), failed)
                               : std::move(ruled).error();
        }
        added.push_back(one);
    }
    for (const Wanted& one : present_)
        if (moved || !next.contains(one)) remove(frontend_, one);
    frontend_ = frontend;
    present_ = next;
    refresh();
    return {};
}

// A backend that can't be reached now has no route; it is nobody's error, its probes see it too.
void BackendRoutes::refresh() {
    for (const Wanted& one : present_)
        static_cast<void>(change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, one.backend, false));
}

void BackendRoutes::clear() {
    for (const Wanted& one : present_) remove(frontend_, one);
    present_.clear();
}

void BackendRoutes::remove(Ipv4Address frontend, const Wanted& wanted) {
    static_cast<void>(change_rule(RTM_DELRULE, 0, frontend, wanted));
    if (in_use(wanted.backend)) return;
    for (const bool blackhole : {false, true})
        static_cast<void>(change_route(RTM_DELROUTE, 0, wanted.backend, blackhole));
}

Result<void> BackendRoutes::change_rule(int type, int flags, Ipv4Address frontend, const Wanted& wanted) {
    NetlinkMessage message(type, flags);
    fib_rule_hdr header{};
    header.family = AF_INET;
    header.dst_len = 32;
    header.action = FR_ACT_TO_TBL;
    message.header(header);
    message.put(FRA_DST, frontend);
    message.put(FRA_FWMARK, std::uint32_t{wanted.id});
    message.put(FRA_FWMASK, id_mask);
    message.put(FRA_TABLE, wanted.backend.bits);
    const int failed = socket_.request(message);
    // One that is there already was left by a balancer that was killed: it says the same.
    if (failed == 0 || failed == EEXIST || failed == ENOENT) return {};
    return refused_by_kernel("routing rule for " + to_string(frontend), failed);
}

int BackendRoutes::change_route(int type, int flags, Ipv4Address backend, bool blackhole) {
    NetlinkMessage message(type, flags);
    rtmsg header{};
    header.rtm_family = AF_INET;
    header.rtm_table = RT_TABLE_UNSPEC;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
    message.header(header);
    message.put(RTA_TABLE, backend.bits);
    if (blackhole)
        message.put(RTA_PRIORITY, last_resort);
    else
        message.put(RTA_GATEWAY, backend);
    return socket_.request(message);
}

bool BackendRoutes::in_use(Ipv4Address backend) {
    NetlinkMessage message(RTM_GETRULE, 0);
    fib_rule_hdr header{};
    header.family = AF_INET;
    message.header(header);
    bool found = false;
    const auto listed = socket_.dump(message, "routing rules", [&found, backend](const nlmsghdr* rule) {
        std::array<nlattr*, FRA_MAX + 1> parts{};
        if (nlmsg_parse(const_cast<nlmsghdr*>(rule), sizeof(fib_rule_hdr), parts.data(), FRA_MAX, nullptr) ==
                0 &&
            parts[FRA_TABLE] != nullptr && nla_get_u32(parts[FRA_TABLE]) == backend.bits)
            found = true;
    });
    return found || listed.has_error();
}

}  // namespace understudy::lb
