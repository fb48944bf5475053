// SPDX-License-Identifier: Apache-2.0
// The network map as a pure table: each party's addresses under its legal name, and the rule that an address
// must be a static public IP address or a public DNS name. An entry's serial changes only when its content
// does, so that publishing at every start, from whichever host is active, leaves the entry as it is.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace understudy::node {

struct HostPort {
    std::string host;  // an IPv4 address or a DNS name
    std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);  // "corda-lb.region.test:10010"

struct NodeInfo {
    std::string legal_name;
    std::vector<std::string> addresses;  // "host:port", at least one
    std::int64_t platform_version = 1;
    std::int64_t serial = 0;
};
std::string to_json(const NodeInfo& info);
Result<NodeInfo> node_info_from_json(std::string_view text);

struct PublicAddressRule {
    std::vector<Ipv4Network> public_networks;
    std::string dns_zone;  // "region.test"; empty: no name is public
};
// Success, or bad_input with the address as subject and why it is not public.
Result<void> check_public(const std::string& address, const PublicAddressRule& rule);

class NetworkMapTable {
  public:
    explicit NetworkMapTable(PublicAddressRule rule) : rule_(std::move(rule)) {}

    struct Published {
        std::int64_t serial;
        bool changed;
    };
    Result<Published> publish(NodeInfo info);  // at most max_entries parties
    const NodeInfo* find(const std::string& legal_name) const;
    const std::map<std::string, NodeInfo>& entries() const { return entries_; }

    static constexpr std::size_t max_entries = 10'000;

  private:
    PublicAddressRule rule_;
    std::map<std::string, NodeInfo> entries_;
};

}  // namespace understudy::node
