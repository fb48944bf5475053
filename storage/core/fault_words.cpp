// SPDX-License-Identifier: Apache-2.0
#include "storage/core/fault_words.hpp"

#include <utility>

namespace understudy::storage {

Error bad_word(const std::string& key, std::string reason, std::string remedy) {
    return Error(ErrorKind::bad_input, key, std::move(reason)).with_remedy(std::move(remedy));
}

Result<Duration> time_word(const std::string& key, const std::string& text) {
    UNDERSTUDY_TRY(const Duration value, parse_duration(text));
    if (value <= Duration::zero() || value > 24h)
        return bad_word(key, fmt::format("'{}' is out of range", text), "give more than 0 and at most 24h");
    return value;
}

Result<Duration> signed_time_word(const std::string& key, const std::string& text) {
    const bool has_sign = text.starts_with('+') || text.starts_with('-');
    UNDERSTUDY_TRY(const Duration value, time_word(key, has_sign ? text.substr(1) : text));
    return text.starts_with('-') ? -value : value;
}

Result<TornWrites> torn_word(const std::string& key, const std::string& text) {
    for (const TornWrites torn : {TornWrites::none, TornWrites::pages, TornWrites::sectors})
        if (text == to_string(torn)) return torn;
    return bad_word(key, fmt::format("'{}' is unknown", text), "use none, pages or sectors");
}

const char* to_string(TornWrites torn) {
    if (torn == TornWrites::none) return "none";
    return torn == TornWrites::pages ? "pages" : "sectors";
}

}  // namespace understudy::storage
