// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/dns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::vmctl {
namespace {

using ::testing::HasSubstr;

TEST(Dns, the_configuration_serves_the_zone_and_asks_nobody) {
    const DnsZone zone{"region.test",
                       {{"corda-lb", Ipv4Address{0xCB00710A}}, {"party-b", Ipv4Address{0xC6336402}}}};
    const auto text = dnsmasq_config(zone, Ipv4Address{0xCB007102});
    ASSERT_TRUE(text.has_value());
    EXPECT_THAT(*text, HasSubstr("listen-address=203.0.113.2\nbind-interfaces\n"));
    EXPECT_THAT(*text, HasSubstr("no-resolv\n"));
    EXPECT_THAT(*text, HasSubstr("local=/region.test/\n"));
    EXPECT_THAT(*text, HasSubstr("host-record=corda-lb.region.test,203.0.113.10\n"));
    EXPECT_THAT(*text, HasSubstr("host-record=party-b.region.test,198.51.100.2\n"));
}

TEST(Dns, a_name_that_is_no_name_is_refused_before_it_becomes_configuration) {
    for (const char* name : {"", "a b", "a\nserver=8.8.8.8", "-a", "a-", "a..b", "a_b"}) {
        EXPECT_TRUE(dnsmasq_config({"region.test", {{name, {}}}}, {}).has_error()) << name;
        EXPECT_TRUE(dnsmasq_config({name, {}}, {}).has_error()) << name;
    }
    EXPECT_TRUE(dnsmasq_config({std::string(64, 'a'), {}}, {}).has_error());
    EXPECT_TRUE(dnsmasq_config({std::string(63, 'a'), {}}, {}).has_value());
}

TEST(Dns, hosts_ask_the_regions_server_and_search_its_zone) {
    EXPECT_EQ(resolv_conf("region.test", Ipv4Address{0xCB007102}),
              "nameserver 203.0.113.2\nsearch region.test\noptions timeout:1 attempts:3\n");
}

}  // namespace
}  // namespace understudy::vmctl
