// SPDX-License-Identifier: Apache-2.0
#include "storage/database/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "storage/database/core/ascii.hpp"

namespace understudy::database {
namespace {

using Values = std::map<std::string, std::string>;

const Values& defaults() {
    static const Values values = {{"application_name", ""},
                                  {"bytea_output", "hex"},
                                  {"client_encoding", "UTF8"},
                                  {"client_min_messages", "notice"},
                                  {"datestyle", "ISO, MDY"},
                                  {"default_transaction_isolation", "read committed"},
                                  {"default_transaction_read_only", "off"},
                                  {"extra_float_digits", "1"},
                                  {"idle_in_transaction_session_timeout", "0"},
                                  {"integer_datetimes", "on"},
                                  {"intervalstyle", "postgres"},
                                  {"is_superuser", "off"},
                                  {"jit", "off"},
                                  {"lc_collate", "C"},
                                  {"lc_ctype", "C"},
                                  {"lock_timeout", "0"},
                                  {"max_identifier_length", "63"},
                                  {"search_path", "\"$user\", public"},
                                  {"server_encoding", "UTF8"},
                                  {"server_version", "15.0 (understudy)"},
                                  {"server_version_num", "150000"},
                                  {"standard_conforming_strings", "on"},
                                  {"statement_timeout", "0"},
                                  {"timezone", "UTC"},
                                  {"transaction_isolation", "read committed"},
                                  {"transaction_read_only", "off"}};
    return values;
}

bool is_free(const std::string& name) {
    constexpr std::array<std::string_view, 6> names = {
        "application_name", "extra_float_digits",           "client_min_messages", "jit",
        "search_path",      "default_transaction_isolation"};
    return std::find(names.begin(), names.end(), name) != names.end();
}
bool is_duration(const std::string& name) {
    return name == "statement_timeout" || name == "lock_timeout" ||
           name == "idle_in_transaction_session_timeout";
}

// What can't be changed may still be set to what it is.
bool is_same(const std::string& name, const std::string& value, const std::string& current) {
    const std::string text = folded(value);
    if (name == "client_encoding")
        return text == "utf8" || text == "utf-8" || text == "unicode" || text == "sql_ascii";
    if (name == "datestyle") return text.starts_with("iso");
    if (name == "timezone") return text == "utc" || text == "gmt" || text == "etc/utc" || text == "0";
    const bool on = text == "on" || text == "true" || text == "1" || text == "yes";
    const bool off = text == "off" || text == "false" || text == "0" || text == "no";
    return text == folded(current) || (on && current == "on") || (off && current == "off");
}

// "5s", "500ms", "100": milliseconds where no unit is given.
std::optional<std::int64_t> milliseconds(std::string_view text) {
    std::int64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec != std::errc() || number < 0) return std::nullopt;
    std::string_view unit(end.ptr, static_cast<std::size_t>(text.data() + text.size() - end.ptr));
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    const std::int64_t factor = unit.empty() || unit == "ms" ? 1
                                : unit == "s"                ? 1'000
                                : unit == "min"              ? 60'000
                                : unit == "h"                ? 3'600'000
                                                             : 0;
    if (factor == 0 || number > 2'147'483'647 / factor) return std::nullopt;
    return number * factor;
}

}  // namespace

Settings::Settings() : values_(defaults()) {}

std::optional<SqlError> Settings::set(const std::string& name, const std::string& value) {
    const auto found = values_.find(name);
    if (found == values_.end())
        return SqlError{sqlstate::undefined_object,
                        fmt::format("unrecognized configuration parameter \"{}\"", name)};
    if (is_free(name)) {
        found->second = value;
        return std::nullopt;
    }
    if (is_duration(name)) {
        const auto duration = milliseconds(value);
        if (!duration)
            return SqlError{"22023", fmt::format("invalid value for parameter \"{}\": \"{}\"", name, value),
                            "valid units are ms, s, min and h"};
        found->second = std::to_string(*duration);
        return std::nullopt;
    }
    if (is_same(name, value, found->second)) return std::nullopt;
    return SqlError{sqlstate::feature_not_supported, fmt::format("{} = \"{}\" is not supported", name, value),
                    fmt::format("it is always \"{}\"", found->second)};
}

std::optional<SqlError> Settings::reset(const std::string& name) {
    if (name.empty()) {
        values_ = defaults();
        return std::nullopt;
    }
    const auto found = defaults().find(name);
    if (found == defaults().end())
        return SqlError{sqlstate::undefined_object,
                        fmt::format("unrecognized configuration parameter \"{}\"", name)};
    values_[name] = found->second;
    return std::nullopt;
}

SqlResult<std::string> Settings::show(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end())
        return SqlError{sqlstate::undefined_object,
                        fmt::format("unrecognized configuration parameter \"{}\"", name)};
    return found->second;
}

std::chrono::milliseconds Settings::duration(const std::string& name) const {
    return std::chrono::milliseconds(milliseconds(values_.at(name)).value_or(0));
}

}  // namespace understudy::database
