// SPDX-License-Identifier: Apache-2.0
// The words that stand for addresses and ports in a security rule.
#include <optional>

#include "vmctl/network/core/security_group.hpp"

namespace understudy::vmctl {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

// The first of the items that commas part; takes it off `text`. Nothing when no item is left.
std::optional<std::string_view> next_item(std::optional<std::string_view>& text) {
    if (!text) return std::nullopt;
    const std::size_t comma = text->find(',');
    const std::string_view item = trimmed(text->substr(0, comma));
    if (comma == std::string_view::npos) {
        text.reset();
    } else {
        text = text->substr(comma + 1);
    }
    return item;
}

Result<Ipv4Network> parse_address_or_network(std::string_view text) {
    if (text.find('/') != std::string_view::npos) return parse_network(text);
    UNDERSTUDY_TRY(const Ipv4Address address, parse_address(text));
    return Ipv4Network{address, 32};
}

Result<PortRange> parse_port_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    UNDERSTUDY_TRY(const std::uint16_t first, parse_port(trimmed(text.substr(0, dash))));
    if (dash == std::string_view::npos) return PortRange{first, first};
    UNDERSTUDY_TRY(const std::uint16_t last, parse_port(trimmed(text.substr(dash + 1))));
    if (last < first) {
        return Error(ErrorKind::bad_input, std::string(text), "the range ends before it starts")
            .with_remedy("give the lower port first");
    }
    return PortRange{first, last};
}

}  // namespace

Result<AddressMatch> parse_address_match(std::string_view text) {
    text = trimmed(text);
    if (text == "*" || text == "Any" || text == "any") return AddressMatch(AnyAddress{});
    if (text == "VirtualNetwork") return AddressMatch(ServiceTag::virtual_network);
    if (text == "Internet") return AddressMatch(ServiceTag::internet);
    if (text == "AzureLoadBalancer") return AddressMatch(ServiceTag::azure_load_balancer);
    std::vector<Ipv4Network> networks;
    std::optional<std::string_view> rest = text;
    while (auto item = next_item(rest)) {
        auto network = parse_address_or_network(*item);
        if (network.has_error()) {
            return Error(ErrorKind::bad_input, std::string(*item),
                         "neither an address, a network nor a service tag")
                .with_remedy(
                    "give *, VirtualNetwork, Internet, AzureLoadBalancer, or networks such as 192.0.2.0/24");
        }
        networks.push_back(*network);
    }
    return AddressMatch(std::move(networks));
}

Result<std::vector<PortRange>> parse_port_ranges(std::string_view text) {
    std::vector<PortRange> ranges;
    if (trimmed(text) == "*") return ranges;
    std::optional<std::string_view> rest = text;
    while (auto item = next_item(rest)) {
        UNDERSTUDY_TRY(const PortRange range, parse_port_range(*item));
        ranges.push_back(range);
    }
    return ranges;
}

}  // namespace understudy::vmctl
