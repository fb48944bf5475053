// SPDX-License-Identifier: Apache-2.0
// Text by its characters, and text as SQL: PostgreSQL manual chapter 9.4. As in its locale C, only ASCII has
// letters.
#include <algorithm>

#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t max_replaced_bytes = 64 * 1024 * 1024;

std::string_view take_character(std::string_view& rest) {
    const std::string_view character = first_characters(rest, 1);
    rest.remove_prefix(character.size());
    return character;
}

void ascii(Call& call) {
    std::string_view rest = call.text(0);
    if (rest.empty()) return call.give(std::int64_t{0});
    const std::string_view character = take_character(rest);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    // The first byte of n has 7 - n bits of the number, the others have six each.
    std::int64_t number = character.size() == 1 ? byte(0) : byte(0) & (0xff >> (character.size() + 1));
    for (std::size_t i = 1; i < character.size(); ++i) number = number << 6 | (byte(i) & 0x3f);
    call.give(number);
}

void initcap(Call& call) {
    std::string result(call.text(0));
    bool in_word = false;
    for (char& c : result) {
        const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
        if (lower && !in_word) c = static_cast<char>(c - 'a' + 'A');
        if (upper && in_word) c = static_cast<char>(c - 'A' + 'a');
        in_word = lower || upper || (c >= '0' && c <= '9');
    }
    call.give(std::string_view(result));
}

void replace_text(Call& call) {
    const std::string_view text = call.text(0), from = call.text(1), to = call.text(2);
    if (from.empty()) return call.give(text);
    std::string result;
    std::size_t done = 0;
    for (std::size_t at = 0; (at = text.find(from, done)) != std::string_view::npos;
         done = at + from.size()) {
        result += text.substr(done, at - done);
        result += to;
        if (result.size() > max_replaced_bytes)
            return call.fail(sqlstate::limit_exceeded, "requested length too large");
    }
    result += text.substr(done);
    call.give(std::string_view(result));
}

// Each character of the second text becomes the one at its place in the third, or goes where there is none.
void translate_characters(Call& call) {
    std::string result;
    for (std::string_view rest = call.text(0); !rest.empty();) {
        const std::string_view character = take_character(rest);
        std::string_view from = call.text(1), to = call.text(2);
        bool found = false;
        while (!found && !from.empty()) {
            const std::string_view replacement = to.empty() ? to : take_character(to);
            found = take_character(from) == character;
            if (found) result += replacement;
        }
        if (!found) result += character;
    }
    call.give(std::string_view(result));
}

void quote_ident(Call& call) {
    const std::string_view name = call.text(0);
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
    }) && (name[0] < '0' || name[0] > '9');
    if (plain) return call.give(name);
    std::string result = "\"";
    for (const char c : name) result += c == '"' ? std::string("\"\"") : std::string(1, c);
    call.give(std::string_view(result + "\""));
}

void quote_literal(Call& call) {
    const std::string_view text = call.text(0);
    std::string result = text.find('\\') == std::string_view::npos ? "'" : "E'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') result += c;
        result += c;
    }
    call.give(std::string_view(result + "'"));
}

}  // namespace

void add_text_forms(Registry& registry) {
    registry.add("understudy_ascii", 1, strict<ascii>);
    registry.add("understudy_initcap", 1, strict<initcap>);
    registry.add("understudy_translate", 3, strict<translate_characters>);
    registry.add("understudy_replace", 3, strict<replace_text>);
    registry.add("understudy_quote_ident", 1, strict<quote_ident>);
    registry.add("understudy_quote_literal", 1, strict<quote_literal>);
}

}  // namespace understudy::database
