// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/port_names.hpp"

#include <fmt/format.h>

namespace understudy::vmctl {

std::string port_interface(unsigned number) {
    return fmt::format("p{}", number);
}

MacAddress host_mac(Ipv4Address address) {
    auto byte = [&address](int shift) { return static_cast<std::uint8_t>(address.bits >> shift); };
    return {0x02, 0x55, byte(24), byte(16), byte(8), byte(0)};
}

MacAddress gateway_mac() {
    return host_mac(gateway_address);
}

std::string to_string(const MacAddress& mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4],
                       mac[5]);
}

}  // namespace understudy::vmctl
