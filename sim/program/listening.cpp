// SPDX-License-Identifier: Apache-2.0
#include "sim/program/listening.hpp"

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace understudy::program {
namespace {

constexpr std::string_view listen_state = "0A";

std::string_view next_word(std::string_view& line) {
    const std::size_t from = line.find_first_not_of(' ');
    if (from == std::string_view::npos) return line = {};
    const std::size_t to = std::min(line.find(' ', from), line.size());
    const std::string_view word = line.substr(from, to - from);
    line.remove_prefix(to);
    return word;
}

// "  0: 0100007F:1F90 00000000:0000 0A …": number, local address, remote address, state.
bool line_listens(std::string_view line, std::uint16_t port) {
    next_word(line);
    const std::string_view local = next_word(line);
    next_word(line);
    const std::size_t colon = local.rfind(':');
    if (next_word(line) != listen_state || colon == std::string_view::npos) return false;
    std::uint16_t found = 0;
    const char* end = local.data() + local.size();
    const auto [after, failure] = std::from_chars(local.data() + colon + 1, end, found, 16);
    return failure == std::errc() && after == end && found == port;
}

}  // namespace

bool table_has_listener(std::string_view table, std::uint16_t port) {
    while (!table.empty()) {
        const std::size_t end = std::min(table.find('\n'), table.size());
        if (line_listens(table.substr(0, end), port)) return true;
        table.remove_prefix(std::min(end + 1, table.size()));
    }
    return false;
}

Result<bool> is_listening(std::uint16_t port) {
    bool any = false;
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(path);
        if (!file) continue;  // a kernel without IPv6 has one of them
        any = true;
        std::ostringstream table;
        table << file.rdbuf();
        if (table_has_listener(table.str(), port)) return true;
    }
    if (!any) return Error(ErrorKind::environment, "/proc/net/tcp", "can't be read");
    return false;
}

}  // namespace understudy::program
