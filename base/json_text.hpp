// SPDX-License-Identifier: Apache-2.0
// A string member of a JSON object, for readers that take what is missing or of another type as not said.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace understudy {

inline std::string text_of(const json::object& object, std::string_view name,
                           std::string_view otherwise = "") {
    const json::value* value = object.if_contains(name);
    return std::string(value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                              : otherwise);
}

}  // namespace understudy
