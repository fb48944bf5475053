// SPDX-License-Identifier: Apache-2.0
#include "base/config/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "base/suggest.hpp"

namespace understudy::config {

std::string Diagnostic::message() const {
    std::string text = fmt::format("{}: {}: {}", place.message_prefix(), subject, reason);
    if (!remedy.empty()) text += "; " + remedy;
    return text;
}

Result<void> Diagnostics::outcome() const {
    if (all_.empty()) return {};
    auto sorted = all_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::tie(a.place.file, a.place.line, a.place.column) <
               std::tie(b.place.file, b.place.line, b.place.column);
    });
    std::string text;
    for (const Diagnostic& diagnostic : sorted) text += (text.empty() ? "" : "\n") + diagnostic.message();
    return Error(ErrorKind::bad_input, "", text);
}

void Value::refuse(std::string reason, std::string remedy) const {
    diagnostics_->add(
        {node_->place, path_.empty() ? "document" : path_, std::move(reason), std::move(remedy)});
}

template <typename T>
T Value::accept(Result<T> parsed) const {
    if (parsed.has_value()) return *parsed;
    refuse(fmt::format("'{}' {}", node_->scalar, parsed.error().reason), parsed.error().remedy);
    return T{};
}

std::string Value::text() const {
    if (node_->kind == Node::Kind::scalar) return node_->scalar;
    refuse("must be a single value");
    return {};
}

std::string Value::name() const {
    const std::string value = text();
    const bool fits =
        !value.empty() && value.size() <= 63 && std::all_of(value.begin(), value.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                   c == '_';
        });
    if (!fits && is_scalar())
        refuse(fmt::format("'{}' is not a name", value), "use 1 to 63 letters, digits, '-' or '_'");
    return value;
}

std::int64_t Value::integer(std::int64_t least, std::int64_t greatest) const {
    const std::string value = text();
    std::int64_t parsed = 0;
    const char* const end = value.data() + value.size();
    const auto [after, failure] = std::from_chars(value.data(), end, parsed);
    if (failure == std::errc() && after == end && parsed >= least && parsed <= greatest) return parsed;
    if (is_scalar()) refuse(fmt::format("'{}' is not a whole number from {} to {}", value, least, greatest));
    return least;
}

double Value::number(double least, double greatest) const {
    const std::string value = text();
    double parsed = 0;
    const char* const end = value.data() + value.size();
    const auto [after, failure] = std::from_chars(value.data(), end, parsed);
    if (failure == std::errc() && after == end && parsed >= least && parsed <= greatest) return parsed;
    if (is_scalar()) refuse(fmt::format("'{}' is not a number from {} to {}", value, least, greatest));
    return least;
}

bool Value::boolean() const {
    const std::string value = text();
    if (value == "true") return true;
    if (value != "false" && is_scalar()) refuse(fmt::format("'{}' is neither true nor false", value));
    return false;
}

std::uint16_t Value::port() const {
    return static_cast<std::uint16_t>(integer(1, 65535));
}

Duration Value::duration(Duration least, Duration greatest) const {
    if (!is_scalar()) {
        refuse("must be a duration", "write a number and a unit, such as 500ms, 5s, 4m or 2h");
        return least;
    }
    const auto parsed = parse_duration(node_->scalar);
    if (parsed.has_value() && *parsed >= least && *parsed <= greatest) return *parsed;
    if (parsed.has_value())
        refuse(fmt::format("'{}' is not from {} to {}", node_->scalar, format_duration(least),
                           format_duration(greatest)));
    else
        accept(parsed);
    return least;
}

Ipv4Address Value::address() const {
    return accept(parse_address(text()));
}
Ipv4Network Value::network() const {
    return accept(parse_network(text()));
}
Endpoint Value::endpoint() const {
    return accept(parse_endpoint(text()));
}

std::uint64_t Value::bytes() const {
    const std::string value = text();
    std::uint64_t parsed = 0;
    const char* const end = value.data() + value.size();
    const auto [after, failure] = std::from_chars(value.data(), end, parsed);
    constexpr std::array<std::pair<std::string_view, int>, 5> units{
        {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
    const std::string_view unit(after, static_cast<std::size_t>(end - after));
    for (const auto& [name, shift] : units)
        if (failure == std::errc() && unit == name && parsed < (std::uint64_t{1} << 50 >> shift))
            return parsed << shift;
    if (is_scalar()) refuse(fmt::format("'{}' is not a size", value), "write it like 256MiB or 1GiB");
    return 0;
}

std::size_t Value::choice(const std::vector<std::string>& choices) const {
    const std::string value = text();
    const auto found = std::find(choices.begin(), choices.end(), value);
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    if (is_scalar())
        refuse(fmt::format("'{}' is not known", value),
               fmt::format("use one of {}", fmt::join(choices, ", ")));
    return 0;
}

Mapping Value::mapping() const {
    if (node_->kind != Node::Kind::mapping && node_->kind != Node::Kind::null)
        refuse("must be a mapping of keys to values");
    return Mapping(*node_, path_, *diagnostics_);
}

std::vector<Value> Value::sequence() const {
    if (node_->kind != Node::Kind::sequence && node_->kind != Node::Kind::null) refuse("must be a list");
    std::vector<Value> values;
    for (std::size_t i = 0; i < node_->elements.size(); ++i)
        values.emplace_back(node_->elements[i], fmt::format("{}[{}]", path_, i), *diagnostics_);
    return values;
}

std::vector<std::string> Value::texts() const {
    if (is_scalar()) return {text()};
    std::vector<std::string> all;
    for (const Value& value : sequence()) all.push_back(value.text());
    return all;
}

std::optional<Value> Mapping::optional(const std::string& key) {
    known_.insert(key);
    const Node* found = node_->find(key);
    return found == nullptr ? std::nullopt : std::optional(Value(*found, below(key), *diagnostics_));
}

std::optional<Value> Mapping::required(const std::string& key) {
    auto found = optional(key);
    if (!found) diagnostics_->add({node_->place, below(key), "is missing", ""});
    return found;
}

std::vector<std::pair<std::string, Value>> Mapping::entries() {
    std::vector<std::pair<std::string, Value>> all;
    for (const auto& [key, value] : node_->members) {
        known_.insert(key);
        all.emplace_back(key, Value(value, below(key), *diagnostics_));
    }
    return all;
}

void Mapping::refuse_unknown_keys() const {
    const std::vector<std::string> known(known_.begin(), known_.end());
    for (std::size_t i = 0; i < node_->members.size(); ++i) {
        const std::string& key = node_->members[i].first;
        if (known_.contains(key)) continue;
        const auto meant = nearest(key, known);
        diagnostics_->add({node_->member_places[i], below(key), "is not a known key",
                           meant ? fmt::format("did you mean '{}'?", *meant)
                                 : fmt::format("known here: {}", fmt::join(known, ", "))});
    }
}

void Mapping::refuse(const std::string& reason, const std::string& remedy) const {
    diagnostics_->add({node_->place, path_.empty() ? "document" : path_, reason, remedy});
}

}  // namespace understudy::config
