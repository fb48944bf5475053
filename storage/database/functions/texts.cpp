// SPDX-License-Identifier: Apache-2.0
// Text and bytes: PostgreSQL manual chapters 9.4 to 9.7.
#include <openssl/evp.h>
#include <re2/re2.h>

#include <algorithm>

#include "storage/database/core/json_text.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

constexpr std::int64_t max_text_bytes = 64 * 1024 * 1024;

std::string_view from_character(std::string_view text, std::size_t count) {
    return text.substr(first_characters(text, count).size());
}

void substring(Call& call) {
    const std::string_view text = call.text(0);
    const auto characters = static_cast<std::int64_t>(character_count(text));
    std::int64_t begin = call.integer(1), end = characters + 1;  // from 1, the end not counted
    if (call.count() > 2) {
        if (call.integer(2) < 0) return call.fail("22011", "negative substring length not allowed");
        if (__builtin_add_overflow(begin, call.integer(2), &end)) end = characters + 1;
    }
    begin = std::clamp<std::int64_t>(begin, 1, characters + 1);
    end = std::clamp<std::int64_t>(end, begin, characters + 1);
    call.give(first_characters(from_character(text, static_cast<std::size_t>(begin - 1)),
                               static_cast<std::size_t>(end - begin)));
}

// A negative count means all but so many of the other end.
std::size_t wanted(Call& call) {
    const auto characters = static_cast<std::int64_t>(character_count(call.text(0)));
    const std::int64_t count = call.integer(1);
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(count < 0 ? characters + count : count, 0, characters));
}
void left(Call& call) {
    call.give(first_characters(call.text(0), wanted(call)));
}
void right(Call& call) {
    const std::size_t count = wanted(call);
    call.give(from_character(call.text(0), character_count(call.text(0)) - count));
}

void repeat(Call& call) {
    const std::int64_t count = std::max<std::int64_t>(call.integer(1), 0);
    if (count * static_cast<std::int64_t>(call.text(0).size()) > max_text_bytes)
        return call.fail(sqlstate::limit_exceeded, "requested length too large");
    std::string result;
    for (std::int64_t i = 0; i < count; ++i) result += call.text(0);
    call.give(std::string_view(result));
}

void reverse(Call& call) {
    std::string result;
    for (std::string_view rest = call.text(0); !rest.empty();) {
        const std::string_view first = first_characters(rest, 1);
        result.insert(0, first);
        rest.remove_prefix(first.size());
    }
    call.give(std::string_view(result));
}

void pad(Call& call) {
    const std::string_view text = call.text(0), fill = call.text(2);
    const auto length = static_cast<std::size_t>(std::max<std::int64_t>(call.integer(1), 0));
    if (static_cast<std::int64_t>(length) > max_text_bytes)
        return call.fail(sqlstate::limit_exceeded, "requested length too large");
    const std::size_t have = character_count(text);
    if (have >= length || fill.empty()) return call.give(first_characters(text, length));
    std::string filling;
    const std::size_t fill_characters = character_count(fill);
    std::size_t missing = length - have;
    for (; missing >= fill_characters; missing -= fill_characters) filling += fill;
    filling += first_characters(fill, missing);
    call.give(
        std::string_view(call.integer(3) == 0 ? filling + std::string(text) : std::string(text) + filling));
}

void split_part(Call& call) {
    const std::string_view text = call.text(0), separator = call.text(1);
    std::vector<std::string_view> parts;
    std::size_t at = 0;
    while (!separator.empty()) {
        const auto next = text.find(separator, at);
        if (next == std::string_view::npos) break;
        parts.push_back(text.substr(at, next - at));
        at = next + separator.size();
    }
    parts.push_back(text.substr(at));
    std::int64_t index = call.integer(2);
    if (index == 0) return call.fail("22023", "field position must not be zero");
    const auto count = static_cast<std::int64_t>(parts.size());
    if (index < 0) index += count + 1;
    call.give(index < 1 || index > count ? std::string_view() : parts[static_cast<std::size_t>(index - 1)]);
}

// The first argument between the others, NULLs left out.
void concat_ws(Call& call) {
    if (call.count() == 0 || call.null(0)) return;
    std::string result;
    bool first = true;
    for (int i = 1; i < call.count(); ++i) {
        if (call.null(i)) continue;
        if (!first) result += call.text(0);
        first = false;
        result += call.text(i);
    }
    call.give(std::string_view(result));
}

void md5(Call& call) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const std::string_view text = call.text(0);
    if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1)
        return call.fail(sqlstate::internal_error, "no MD5 here");
    call.give(std::string_view(show_bytea({reinterpret_cast<const char*>(digest), size})).substr(2));
}

void encode(Call& call) {
    const std::string_view bytes = call.text(0), format = call.text(1);
    if (format == "hex") return call.give(std::string_view(show_bytea(bytes)).substr(2));
    if (format == "base64") {
        std::string result(bytes.size() / 3 * 4 + 8, '\0');
        const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                                         reinterpret_cast<const unsigned char*>(bytes.data()),
                                         static_cast<int>(bytes.size()));
        result.resize(static_cast<std::size_t>(size));
        for (std::size_t at = 76; at < result.size(); at += 77) result.insert(at, "\n");
        return call.give(std::string_view(result));
    }
    call.fail(format == "escape" ? sqlstate::feature_not_supported : "22023",
              fmt::format("encoding \"{}\" is not supported", format));
}

void decode(Call& call) {
    const std::string_view text = call.text(0), format = call.text(1);
    if (format == "hex") {
        const auto bytes = input_text({SqlType::bytea, -1}, "\\x" + std::string(text));
        if (bytes.has_error()) return call.fail("22023", "invalid hexadecimal data");
        return call.give(*bytes);
    }
    if (format == "base64") {
        std::string digits, result;
        for (const char c : text)
            if (c != '\n' && c != ' ' && c != '\r') digits += c;
        if (digits.size() % 4 != 0) return call.fail("22023", "invalid base64 end sequence");
        result.resize(digits.size());
        const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                                         reinterpret_cast<const unsigned char*>(digits.data()),
                                         static_cast<int>(digits.size()));
        if (size < 0) return call.fail("22023", "invalid base64 data");
        const std::size_t padding = digits.ends_with("==") ? 2 : digits.ends_with('=') ? 1 : 0;
        return call.give_bytes(std::string_view(result).substr(0, static_cast<std::size_t>(size) - padding));
    }
    call.fail("22023", fmt::format("unrecognized encoding: \"{}\"", format));
}

// RE2 takes time linear in the text, whatever the pattern; it lacks back references and look-ahead, which are
// refused.
std::unique_ptr<RE2> pattern_of(Call& call, std::string_view pattern, bool fold) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!fold);
    options.set_dot_nl(true);  // as PostgreSQL's
    options.set_max_mem(1 << 20);
    auto expression = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
    if (expression->ok()) return expression;
    call.fail("2201B", fmt::format("invalid regular expression: {}", expression->error()));
    return nullptr;
}

void matches(Call& call) {
    const std::string_view text = call.text(0);
    if (const auto pattern = pattern_of(call, call.text(1), call.integer(2) != 0))
        call.give(RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern));
}

void regexp_replace(Call& call) {
    const std::string_view flags = call.text(3);
    if (flags.find_first_not_of("gi") != std::string_view::npos)
        return call.fail(sqlstate::feature_not_supported,
                         fmt::format("regular expression flags \"{}\" are not supported", flags));
    const auto pattern = pattern_of(call, call.text(1), flags.find('i') != std::string_view::npos);
    if (!pattern) return;
    std::string text(call.text(0)), replacement;
    // \& is the whole match, which RE2 calls \0.
    for (std::size_t i = 0; i < call.text(2).size(); ++i) {
        replacement += call.text(2)[i];
        if (call.text(2)[i] == '\\' && i + 1 < call.text(2).size())
            replacement += call.text(2)[i + 1] == '&' ? '0' : call.text(2)[i + 1], ++i;
    }
    if (flags.find('g') != std::string_view::npos)
        RE2::GlobalReplace(&text, *pattern, replacement);
    else
        RE2::Replace(&text, *pattern, replacement);
    call.give(std::string_view(text));
}

void join_bytes(Call& call) {
    call.give_bytes(std::string(call.text(0)) + std::string(call.text(1)));
}
void json_part(Call& call, const std::optional<std::string>& part) {
    if (part) call.give(std::string_view(*part));
}
void json_by_name(Call& call) {
    json_part(call, json_member(call.text(0), call.text(1), call.integer(2) != 0));
}
void json_by_index(Call& call) {
    json_part(call, json_element(call.text(0), call.integer(1), call.integer(2) != 0));
}

}  // namespace

void add_text_functions(Registry& registry) {
    registry.add("understudy_substring", 2, strict<substring>);
    registry.add("understudy_substring", 3, strict<substring>);
    registry.add("understudy_left", 2, strict<left>);
    registry.add("understudy_right", 2, strict<right>);
    registry.add("understudy_repeat", 2, strict<repeat>);
    registry.add("understudy_reverse", 1, strict<reverse>);
    registry.add("understudy_pad", 4, strict<pad>);
    registry.add("understudy_split_part", 3, strict<split_part>);
    registry.add("understudy_concat_ws", -1, with_nulls<concat_ws>);
    registry.add("understudy_md5", 1, strict<md5>);
    registry.add("understudy_encode", 2, strict<encode>);
    registry.add("understudy_decode", 2, strict<decode>);
    registry.add("understudy_matches", 3, strict<matches>);
    registry.add("understudy_regexp_replace", 4, strict<regexp_replace>);
    registry.add("understudy_join_bytes", 2, strict<join_bytes>);
    registry.add("understudy_json_member", 3, strict<json_by_name>);
    registry.add("understudy_json_element", 3, strict<json_by_index>);
}

}  // namespace understudy::database
