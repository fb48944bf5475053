// SPDX-License-Identifier: Apache-2.0
// The region's name service: what dnsmasq must be told to serve one zone, and nothing else, from a pod.
// It answers for the zone's names and their reverse, says NXDOMAIN for other names of the zone and REFUSED
// for all the rest: there is no upstream. No DHCP, no /etc/hosts, no PID file, no change of user. Log on
// stderr.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace understudy::vmctl {

struct DnsZone {
    std::string zone;                          // "region.test", without a final dot
    std::map<std::string, Ipv4Address> names;  // "corda-lb" → its address, relative to the zone
};

// The text of dnsmasq's configuration file. `listen` is the pod's own address. Refuses names that aren't DNS
// labels.
Result<std::string> dnsmasq_config(const DnsZone& zone, Ipv4Address listen);

// dnsmasq in the foreground with that file. The program is named by path: it is in no ordinary user's PATH.
std::vector<std::string> dnsmasq_argv(const std::string& config_path);

// What a host's /etc/resolv.conf must say.
std::string resolv_conf(const std::string& zone, Ipv4Address server);

}  // namespace understudy::vmctl
