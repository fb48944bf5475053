// SPDX-License-Identifier: Apache-2.0
#include "sim/program/listening.hpp"

#include <gtest/gtest.h>

namespace understudy::program {
namespace {

constexpr const char* tcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100\n"
    "   1: 0B0200C0:F0AD 0A6433C6:A1B2 01 00000000:00000000 02:000005E8 00000000     0        0 12 2 0 20\n";
constexpr const char* tcp6 =
    "   0: 00000000000000000000000000000000:F0AD 00000000000000000000000000000000:0000 0A 00000000:0 1\n";

TEST(Listening, a_socket_in_state_listen_is_found_by_its_port) {
    EXPECT_TRUE(table_has_listener(tcp, 8080));
    EXPECT_TRUE(table_has_listener(tcp6, 61613));
}

TEST(Listening, an_established_connection_from_the_port_is_no_listener) {
    EXPECT_FALSE(table_has_listener(tcp, 61613));
}

TEST(Listening, other_ports_and_what_is_no_table_have_no_listener) {
    EXPECT_FALSE(table_has_listener(tcp, 8081));
    EXPECT_FALSE(table_has_listener("", 80));
    EXPECT_FALSE(table_has_listener("no table\n\n:0050 : 0A", 80));
    EXPECT_FALSE(table_has_listener("0: nocolon x 0A\n", 80));
}

}  // namespace
}  // namespace understudy::program
