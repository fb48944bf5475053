// SPDX-License-Identifier: Apache-2.0
#include "base/io/admin_words.hpp"

#include <utility>

#include "base/json.hpp"

namespace understudy::io {
namespace {

Error bad_member(std::string subject, std::string reason, std::string remedy) {
    return Error(ErrorKind::bad_input, std::move(subject), std::move(reason)).with_remedy(std::move(remedy));
}

}  // namespace

Result<AdminWords> admin_words(const std::string& body) {
    boost::system::error_code failure;
    const json::value parsed = json::parse(body, failure);
    if (failure || !parsed.is_object())
        return bad_member("body", "is no JSON object", "send {\"kind\": \"stall\"}");
    AdminWords words;
    for (const auto& [key, value] : parsed.get_object()) {
        if (!value.is_string()) return bad_member(std::string(key), "is no text", "send every value as text");
        words[key] = value.get_string();
    }
    return words;
}

std::string take_word(AdminWords& words, const std::string& key) {
    const auto node = words.extract(key);
    return node.empty() ? std::string() : node.mapped();
}

Result<std::string> admin_fault_body(const std::vector<std::string>& words) {
    const char* const remedy = "write fault KIND [KEY=VALUE]...";
    if (words.size() < 2) return bad_member("fault", "its kind is missing", remedy);
    json::object body{{"kind", words[1]}};
    for (std::size_t place = 2; place < words.size(); ++place) {
        const std::size_t equals = words[place].find('=');
        if (equals == std::string::npos || equals == 0)
            return bad_member(words[place], "is not written KEY=VALUE", remedy);
        body[words[place].substr(0, equals)] = words[place].substr(equals + 1);
    }
    return json::serialize(body);
}

}  // namespace understudy::io
