// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/dns.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::vmctl {

namespace {

// Rule: RFC 1123, section 2.1: letters, digits and hyphens, not at an end, 63 at most. Dots part labels.
bool is_dns_name(const std::string& name) {
    if (name.empty() || name.size() > 253) return false;
    for (std::size_t start = 0; start <= name.size();) {
        const std::size_t end = std::min(name.find('.', start), name.size());
        const std::string label = name.substr(start, end - start);
        const bool proper =
            !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
            std::all_of(label.begin(), label.end(), [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
            });
        if (!proper) return false;
        start = end + 1;
    }
    return true;
}

Error bad_name(const std::string& name) {
    return Error(ErrorKind::bad_input, "DNS name " + name, "not a DNS name")
        .with_remedy("use letters, digits and inner hyphens, dots between labels of at most 63");
}

}  // namespace

Result<std::string> dnsmasq_config(const DnsZone& zone, Ipv4Address listen) {
    if (!is_dns_name(zone.zone)) return bad_name(zone.zone);
    std::string text = fmt::format(
        "port=53\nlisten-address={}\nbind-interfaces\nno-resolv\nno-poll\nno-hosts\ncache-size=0\n"
        "local=/{}/\nlocal-ttl=1\npid-file=\nlog-facility=-\nuser=root\ngroup=root\n",
        to_string(listen), zone.zone);
    for (const auto& [name, address] : zone.names) {
        const std::string full = name + "." + zone.zone;
        if (!is_dns_name(full)) return bad_name(full);
        text += fmt::format("host-record={},{}\n", full, to_string(address));
    }
    return text;
}

std::vector<std::string> dnsmasq_argv(const std::string& config_path) {
    return {"/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=" + config_path};
}

std::string resolv_conf(const std::string& zone, Ipv4Address server) {
    return fmt::format("nameserver {}\nsearch {}\noptions timeout:1 attempts:3\n", to_string(server), zone);
}

}  // namespace understudy::vmctl
