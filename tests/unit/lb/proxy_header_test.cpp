// SPDX-License-Identifier: Apache-2.0
#include "lb/core/proxy_header.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

// Of 198.51.100.2:40000 to 203.0.113.10:10010, put together by hand from the specification.
const Bytes golden{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,  // signature
                   0x21,        // version 2, PROXY
                   0x11,        // TCP over IPv4
                   0x00, 0x0c,  // 12 bytes follow
                   0xc6, 0x33, 0x64, 0x02, 0xcb, 0x00, 0x71, 0x0a, 0x9c, 0x40, 0x27, 0x1a};

TEST(ProxyHeader, is_written_byte_for_byte_as_the_specification_says) {
    const auto written =
        write_proxy_header(*parse_endpoint("198.51.100.2:40000"), *parse_endpoint("203.0.113.10:10010"));
    EXPECT_THAT(written, ElementsAreArray(golden));
}

TEST(ProxyHeader, what_was_written_is_read_back) {
    Random random(1);
    for (int i = 0; i < 1000; ++i) {
        const auto drawn = [&] {
            return Endpoint{{static_cast<std::uint32_t>(random.next())},
                            static_cast<std::uint16_t>(random.next())};
        };
        const Endpoint source = drawn();
        const Endpoint destination = drawn();
        const auto parsed = parse_proxy_header(write_proxy_header(source, destination));
        ASSERT_TRUE(parsed.has_value());
        ASSERT_TRUE(parsed->has_value());
        EXPECT_EQ((*parsed)->source, source);
        EXPECT_EQ((*parsed)->destination, destination);
        EXPECT_EQ((*parsed)->bytes, proxy_header_bytes);
        EXPECT_FALSE((*parsed)->local);
    }
}

TEST(ProxyHeader, every_shorter_beginning_of_one_asks_for_more) {
    for (std::size_t size = 0; size < golden.size(); ++size) {
        const auto parsed = parse_proxy_header(std::span(golden).first(size));
        ASSERT_TRUE(parsed.has_value()) << size;
        EXPECT_FALSE(parsed->has_value()) << size;
    }
}

TEST(ProxyHeader, extensions_and_what_follows_are_left_to_the_reader) {
    Bytes data = golden;
    data[15] = 12 + 5;
    data.insert(data.end(), {0x04, 0x00, 0x02, 0x61, 0x62});  // PP2_TYPE_NOOP with two bytes
    data.push_back('x');
    const auto parsed = parse_proxy_header(data);
    ASSERT_TRUE(parsed.has_value());
    ASSERT_TRUE(parsed->has_value());
    EXPECT_EQ((*parsed)->bytes, proxy_header_bytes + 5);
    EXPECT_EQ(to_string((*parsed)->source), "198.51.100.2:40000");
}

TEST(ProxyHeader, a_connection_of_the_proxy_itself_has_no_addresses) {
    Bytes data = golden;
    data[12] = 0x20;
    data[13] = 0x00;
    data[15] = 0x00;
    data.resize(16);
    const auto parsed = parse_proxy_header(data);
    ASSERT_TRUE(parsed.has_value());
    ASSERT_TRUE(parsed->has_value());
    EXPECT_TRUE((*parsed)->local);
    EXPECT_EQ((*parsed)->source, Endpoint());
    EXPECT_EQ((*parsed)->bytes, 16U);
}

TEST(ProxyHeader, what_is_none_is_refused_with_the_reason) {
    struct Case {
        std::size_t at;
        std::uint8_t value;
        const char* reason;
    };
    for (const Case& wrong :
         {Case{0, 'G', "signature"}, Case{11, 0x0b, "signature"}, Case{12, 0x11, "version is not 2 (1)"},
          Case{12, 0x22, "neither LOCAL nor PROXY"}, Case{13, 0x12, "not TCP over IPv4"},
          Case{13, 0x21, "not TCP over IPv4"}, Case{14, 0x03, "longer than 536 bytes"},
          Case{15, 11, "too short"}}) {
        Bytes data = golden;
        data[wrong.at] = wrong.value;
        const auto parsed = parse_proxy_header(data);
        ASSERT_TRUE(parsed.has_error()) << wrong.reason;
        EXPECT_THAT(parsed.error().message(), HasSubstr(wrong.reason));
    }
}

}  // namespace
}  // namespace understudy::lb
