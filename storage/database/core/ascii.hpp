// SPDX-License-Identifier: Apache-2.0
// What PostgreSQL does with the characters of ASCII wherever it reads words: blanks around them and the case
// of their letters don't count.
#pragma once

#include <string>
#include <string_view>

namespace understudy::database {

inline bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

inline std::string folded(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return text;
}

}  // namespace understudy::database
