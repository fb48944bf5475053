// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/client_name.hpp"

#include <algorithm>
#include <string_view>

namespace understudy::files {
namespace {

constexpr std::size_t max_user_bytes = 128;
constexpr std::string_view resume_word = "resume";

}  // namespace

std::optional<ClientName> parse_client_name(const std::string& user) {
    if (user.empty() || user.size() > max_user_bytes) return std::nullopt;
    // Names are lines of the record that is kept over a restart.
    if (std::any_of(user.begin(), user.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
        return std::nullopt;
    ClientName name;
    std::size_t first = user.find('#');
    name.client = user.substr(0, first);
    if (name.client.empty()) return std::nullopt;
    if (first == std::string::npos) return name;
    std::size_t second = user.find('#', first + 1);
    name.incarnation = user.substr(first + 1, second == std::string::npos ? second : second - first - 1);
    if (name.incarnation.empty()) return std::nullopt;
    if (second == std::string::npos) return name;
    if (user.substr(second + 1) != resume_word) return std::nullopt;
    name.resume = true;
    return name;
}

std::string to_user_name(const ClientName& name) {
    std::string user = name.client;
    if (!name.incarnation.empty()) user += "#" + name.incarnation;
    if (name.resume) user += "#" + std::string(resume_word);
    return user;
}

}  // namespace understudy::files
