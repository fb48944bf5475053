// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/dns.hpp"

#include <fmt/format.h>

#include "base/dns_name.hpp"

namespace understudy::vmctl {

namespace {

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
