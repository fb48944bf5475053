// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/node/network_map_client.hpp"

namespace understudy::node {
namespace {

TEST(PercentEncoding, legal_names_survive_a_path) {
    const std::string name = "O=Party A, L=Zürich/City, C=CH 100%";
    EXPECT_EQ(percent_encode("O=A, C=B"), "O%3DA%2C%20C%3DB");
    EXPECT_EQ(percent_decode(percent_encode(name)), name);
    EXPECT_EQ(percent_decode("100%"), "100%");
    EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

}  // namespace
}  // namespace understudy::node
