// SPDX-License-Identifier: Apache-2.0
// What the tests of the configuration's reader share: one good text, changed in one place.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "lb/config.hpp"

namespace understudy::lb {

inline Result<Config> read(const std::string& text) {
    UNDERSTUDY_TRY(const auto root, config::parse_text(text, "lb.yaml"));
    return config_from_tree(root);
}

inline std::string with(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

inline void expect_refused(const std::string& text, const std::string& message) {
    const auto config = read(text);
    ASSERT_TRUE(config.has_error()) << message;
    EXPECT_EQ(config.error().kind, ErrorKind::bad_input);
    EXPECT_THAT(config.error().message(), testing::HasSubstr(message));
}

}  // namespace understudy::lb
