// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/core/error_line.hpp"

#include "base/json.hpp"

namespace understudy::vmctl {

std::string to_error_line(const Error& error) {
    json::object object{{"kind", static_cast<int>(error.kind)},
                        {"subject", error.subject},
                        {"reason", error.reason},
                        {"remedy", error.remedy}};
    if (error.number) object["number"] = *error.number;
    return json::serialize(object);
}

Error error_from_line(std::string_view line) {
    boost::system::error_code failed;
    json::value value = json::parse(json::string_view(line.data(), line.size()), failed);
    auto text = [&value](const char* name) {
        const json::value* member = value.as_object().if_contains(name);
        return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string();
    };
    const json::value* kind = !failed && value.is_object() ? value.as_object().if_contains("kind") : nullptr;
    if (kind == nullptr || !kind->is_int64() || kind->as_int64() < 0 ||
        kind->as_int64() > static_cast<int>(ErrorKind::timeout)) {
        return {ErrorKind::failed, "child process", "ended without a proper message: " + std::string(line)};
    }
    Error error(static_cast<ErrorKind>(kind->as_int64()), text("subject"), text("reason"));
    error.remedy = text("remedy");
    const json::value* number = value.as_object().if_contains("number");
    if (number != nullptr && number->is_int64()) error.number = number->as_int64();
    return error;
}

}  // namespace understudy::vmctl
