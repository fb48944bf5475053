// SPDX-License-Identifier: Apache-2.0
// Reading the KEY=VALUE words by which faults are asked for. Errors: kind bad_input, with the key as subject
// and what would be right as remedy.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "storage/core/landing_choice.hpp"

namespace understudy::storage {

Error bad_word(const std::string& key, std::string reason, std::string remedy);

template <typename Number>
Result<Number> number_word(const std::string& key, const std::string& text, Number least, Number most) {
    Number value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || !(value >= least && value <= most))
        return bad_word(key, fmt::format("'{}' is no number from {} to {}", text, least, most), "give one");
    return value;
}

// More than 0 and at most 24 h.
Result<Duration> time_word(const std::string& key, const std::string& text);

// A time with a sign, +5s or -5s; without one it is +. Not 0, at most 24 h either way.
Result<Duration> signed_time_word(const std::string& key, const std::string& text);

// none, pages or sectors.
Result<TornWrites> torn_word(const std::string& key, const std::string& text);
const char* to_string(TornWrites torn);

}  // namespace understudy::storage
