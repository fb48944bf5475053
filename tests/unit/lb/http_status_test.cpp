// SPDX-License-Identifier: Apache-2.0
#include "lb/core/http_status.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

TEST(HttpStatus, reads_the_code_of_a_status_line) {
    EXPECT_EQ(*parse_status_line("HTTP/1.1 200 OK\r\n"), 200);
    EXPECT_EQ(*parse_status_line("HTTP/1.0 503 Service Unavailable"), 503);
    EXPECT_EQ(*parse_status_line("HTTP/1.1 404 "), 404);
    EXPECT_EQ(*parse_status_line("HTTP/1.1 204"), 204);
}

TEST(HttpStatus, refuses_what_is_not_one) {
    for (const char* line :
         {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 020", "HTTP/2 200",
          "SSH-2.0-OpenSSH", "HTTP/1.1  200", "http/1.1 200", "HTTP/1.1 2x0"})
        EXPECT_TRUE(parse_status_line(line).has_error()) << line;
}

TEST(HttpStatus, survives_drawn_bytes) {
    Random random(3);
    for (int i = 0; i < 20'000; ++i) {
        std::string line = random.chance(0.5) ? "HTTP/1.1 " : "";
        for (auto left = random.below(12); left > 0; --left) line += static_cast<char>(random.below(256));
        const auto status = parse_status_line(line);
        if (status.has_value()) {
            ASSERT_TRUE(*status >= 100 && *status <= 999) << line;
        }
    }
}

}  // namespace
}  // namespace understudy::lb
