// SPDX-License-Identifier: Apache-2.0
#include "base/address.hpp"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Address, text_and_value_round_trip) {
    for (const char* text : {"0.0.0.0", "192.0.2.11", "255.255.255.255"})
        EXPECT_EQ(to_string(parse_address(text).value()), text);
    EXPECT_EQ(to_string(parse_network("203.0.113.0/24").value()), "203.0.113.0/24");
    EXPECT_EQ(to_string(parse_endpoint("192.0.2.1:10010").value()), "192.0.2.1:10010");
}

TEST(Address, what_is_no_address_is_refused) {
    for (const char* text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", " 1.2.3.4",
                             "a.b.c.d", "1..2.3"})
        EXPECT_TRUE(parse_address(text).has_error()) << text;
    for (const char* text :
         {"192.0.2.0", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/", "/24", "192.0.2.0/-1"})
        EXPECT_TRUE(parse_network(text).has_error()) << text;
    for (const char* text : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", ":80"})
        EXPECT_TRUE(parse_endpoint(text).has_error()) << text;
    for (const char* text : {"", "0", "65536", "100015", "+1", "1 ", "x"})
        EXPECT_TRUE(parse_port(text).has_error()) << text;
}

TEST(Address, a_network_knows_its_addresses_and_its_neighbours) {
    const Ipv4Network network = parse_network("192.0.2.0/25").value();
    EXPECT_TRUE(network.contains(parse_address("192.0.2.127").value()));
    EXPECT_FALSE(network.contains(parse_address("192.0.2.128").value()));
    EXPECT_EQ(network.address_count(), 128u);
    EXPECT_TRUE(network.overlaps(parse_network("192.0.0.0/16").value()));
    EXPECT_TRUE(parse_network("0.0.0.0/0").value().overlaps(network));
    EXPECT_FALSE(network.overlaps(parse_network("192.0.2.128/25").value()));
    EXPECT_EQ(parse_network("0.0.0.0/0").value().address_count(), std::uint64_t{1} << 32);
}

}  // namespace
}  // namespace understudy
