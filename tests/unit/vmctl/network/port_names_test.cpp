// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/port_names.hpp"

#include <gtest/gtest.h>

namespace understudy::vmctl {
namespace {

TEST(PortNames, the_mac_is_unicast_locally_administered_and_carries_the_address) {
    const MacAddress mac = host_mac(parse_address("192.0.2.11").value());
    EXPECT_EQ(to_string(mac), "02:55:c0:00:02:0b");
    EXPECT_EQ(mac[0] & 0x03, 0x02);
    EXPECT_EQ(to_string(gateway_mac()), "02:55:a9:fe:01:01");
    EXPECT_EQ(to_string(gateway_address), "169.254.1.1");
}

TEST(PortNames, any_number_fits_an_interface_name) {
    EXPECT_EQ(port_interface(0), "p0");
    EXPECT_LE(port_interface(4'294'967'295U).size(), 15U);
}

}  // namespace
}  // namespace understudy::vmctl
