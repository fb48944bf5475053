// SPDX-License-Identifier: Apache-2.0
#include "lb/core/http_status.hpp"

namespace understudy::lb {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

Result<int> parse_status_line(std::string_view line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    const auto refused = [](const char* why) { return Error(ErrorKind::failed, "status line", why); };
    constexpr std::string_view version = "HTTP/1.";
    if (!line.starts_with(version)) return refused("does not begin with HTTP/1.");
    line.remove_prefix(version.size());
    if (line.size() < 5 || !is_digit(line[0]) || line[1] != ' ') return refused("has no version and space");
    line.remove_prefix(2);
    const bool three_digits = is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]);
    if (!three_digits || line[0] == '0' || (line.size() > 3 && line[3] != ' '))
        return refused("has no status code");
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace understudy::lb
