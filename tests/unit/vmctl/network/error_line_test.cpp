// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/error_line.hpp"

#include <gtest/gtest.h>

namespace understudy::vmctl {
namespace {

TEST(ErrorLine, an_error_comes_back_as_it_was) {
    const Error error =
        Error(ErrorKind::environment, "a \"subject\"", "two\nlines").with_number(-13).with_remedy("do it");
    const std::string line = to_error_line(error);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const Error back = error_from_line(line);
    EXPECT_EQ(back.kind, ErrorKind::environment);
    EXPECT_EQ(back.message(), error.message());
    EXPECT_FALSE(error_from_line(to_error_line(Error(ErrorKind::failed, "a", "b"))).number.has_value());
}

TEST(ErrorLine, what_is_no_such_line_is_an_error_that_shows_it) {
    for (const char* line :
         {"", "{", "[]", "{}", R"({"kind":"x"})", R"({"kind":99})", "free(): invalid pointer"}) {
        const Error error = error_from_line(line);
        EXPECT_EQ(error.kind, ErrorKind::failed);
        EXPECT_NE(error.reason.find(line), std::string::npos) << line;
    }
}

}  // namespace
}  // namespace understudy::vmctl
