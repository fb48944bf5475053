// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/network_map.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/dns_name.hpp"
#include "base/json.hpp"

namespace understudy::node {
namespace {

bool in_zone(std::string_view name, std::string_view zone) {
    return !zone.empty() && name.size() > zone.size() + 1 && name.ends_with(zone) &&
           name[name.size() - zone.size() - 1] == '.';
}

constexpr std::size_t max_addresses = 16;

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
        return Error(ErrorKind::bad_input, std::string(text), "is not a host and a port")
            .with_remedy("write host:port");
    const auto port = parse_port(text.substr(colon + 1));
    if (port.has_error())
        return Error(ErrorKind::bad_input, std::string(text), "has no port from 1 to 65535");
    const std::string host(text.substr(0, colon));
    const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;
    if (numeric ? parse_address(host).has_error() : !is_dns_name(host))
        return Error(ErrorKind::bad_input, std::string(text),
                     "is neither an IPv4 address nor a DNS name with a port");
    return HostPort{host, *port};
}

Result<void> check_public(const std::string& address, const PublicAddressRule& rule) {
    UNDERSTUDY_TRY(const HostPort parsed, parse_host_port(address));
    const auto numeric = parse_address(parsed.host);
    if (numeric.has_error()) {
        if (in_zone(parsed.host, rule.dns_zone)) return {};
        return Error(ErrorKind::bad_input, address,
                     fmt::format("is not a name in the public zone '{}'", rule.dns_zone))
            .with_remedy("an entry is a static public IP address or a public DNS name");
    }
    if (numeric->bits == 0)
        return Error(ErrorKind::bad_input, address,
                     "0.0.0.0 is an address to listen on, nobody can connect to it")
            .with_remedy("an entry is a static public IP address or a public DNS name");
    for (const Ipv4Network& network : rule.public_networks)
        if (network.contains(*numeric)) return {};
    std::vector<std::string> networks;
    for (const Ipv4Network& network : rule.public_networks) networks.push_back(to_string(network));
    return Error(ErrorKind::bad_input, address,
                 fmt::format("is not a public address (public: {})", fmt::join(networks, ", ")))
        .with_remedy("an entry is a static public IP address or a public DNS name");
}

std::string to_json(const NodeInfo& info) {
    json::array addresses;
    for (const std::string& address : info.addresses) addresses.push_back(json::value(address));
    return json::serialize(json::object{{"legal_name", info.legal_name},
                                        {"addresses", std::move(addresses)},
                                        {"platform_version", info.platform_version},
                                        {"serial", info.serial}});
}

Result<NodeInfo> node_info_from_json(std::string_view text) {
    boost::system::error_code failure;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), failure);
    if (failure || !parsed.is_object())
        return Error(ErrorKind::bad_input, "node info", "is not a JSON object");
    const json::object& object = parsed.get_object();
    NodeInfo info;
    const auto* legal_name = object.if_contains("legal_name");
    if (legal_name == nullptr || !legal_name->is_string() || legal_name->get_string().empty() ||
        legal_name->get_string().size() > 255)
        return Error(ErrorKind::bad_input, "legal_name", "is missing or not from 1 to 255 bytes long");
    info.legal_name = std::string(legal_name->get_string());
    const auto* addresses = object.if_contains("addresses");
    if (addresses == nullptr || !addresses->is_array() || addresses->get_array().empty() ||
        addresses->get_array().size() > max_addresses)
        return Error(ErrorKind::bad_input, "addresses", "is not a list of 1 to 16 addresses");
    for (const json::value& address : addresses->get_array()) {
        if (!address.is_string())
            return Error(ErrorKind::bad_input, "addresses", "holds something that is no string");
        info.addresses.emplace_back(address.get_string());
    }
    for (const auto& [member, target] :
         {std::pair("platform_version", &info.platform_version), {"serial", &info.serial}}) {
        const auto* value = object.if_contains(member);
        if (value == nullptr) continue;
        if (!value->is_int64() || value->get_int64() < 0)
            return Error(ErrorKind::bad_input, member, "is not a whole number from 0");
        *target = value->get_int64();
    }
    return info;
}

Result<NetworkMapTable::Published> NetworkMapTable::publish(NodeInfo info) {
    for (const std::string& address : info.addresses) UNDERSTUDY_CHECK(check_public(address, rule_));
    const auto found = entries_.find(info.legal_name);
    if (found == entries_.end()) {
        if (entries_.size() >= max_entries)
            return Error(ErrorKind::failed, "network map", "is full").with_number(max_entries);
        info.serial = std::max<std::int64_t>(info.serial, 1);
        const std::int64_t serial = info.serial;
        entries_.emplace(info.legal_name, std::move(info));
        return Published{serial, true};
    }
    NodeInfo& held = found->second;
    if (held.addresses == info.addresses && held.platform_version == info.platform_version)
        return Published{held.serial, false};
    info.serial = std::max(info.serial, held.serial + 1);
    held = std::move(info);
    return Published{held.serial, true};
}

const NodeInfo* NetworkMapTable::find(const std::string& legal_name) const {
    const auto found = entries_.find(legal_name);
    return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace understudy::node
