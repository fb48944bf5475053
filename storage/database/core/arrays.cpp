// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "storage/database/core/ascii.hpp"
#include "storage/database/core/bytes.hpp"

namespace understudy::database {
namespace {

constexpr std::int64_t max_dimensions = 6, max_elements = 134'217'727;  // PostgreSQL's

using Texts = std::vector<std::optional<std::string>>;  // nothing: NULL

bool means_null(std::string_view word) {
    return word.size() == 4 && folded(std::string(word)) == "null";
}

void append_quoted(std::string& out, const std::optional<std::string>& text) {
    if (!out.ends_with('{')) out += ',';
    if (!text) {
        out += "NULL";
        return;
    }
    const bool plain =
        !text->empty() && !means_null(*text) && std::none_of(text->begin(), text->end(), [](char c) {
            return is_blank(c) || c == '{' || c == '}' || c == '"' || c == '\\' || c == ',';
        });
    if (plain) {
        out += *text;
        return;
    }
    out += '"';
    for (const char c : *text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

// The elements' texts of "{…}", or why it is none.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    SqlResult<Texts> read() {
        skip_blanks();
        if (peek() == '[') return unsupported("an array with lower bounds");
        if (peek() != '{') return malformed();
        ++at_;
        Texts elements;
        skip_blanks();
        if (peek() == '}') {
            ++at_;
            return end(std::move(elements));
        }
        while (true) {
            skip_blanks();
            if (peek() == '{') return unsupported("an array of more than one dimension");
            auto element = next();
            if (element.has_error()) return element.error();
            elements.push_back(std::move(*element));
            skip_blanks();
            const char c = peek();
            ++at_;
            if (c == '}') return end(std::move(elements));
            if (c != ',') return malformed();
        }
    }

  private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    SqlError malformed() const {
        return {sqlstate::bad_text, fmt::format("malformed array literal: \"{}\"", text_)};
    }
    SqlResult<Texts> end(Texts elements) {
        skip_blanks();
        if (at_ != text_.size()) return malformed();
        return elements;
    }
    SqlResult<std::optional<std::string>> next() {
        std::string word;
        bool any_escape = false;  // then it is a text, even "NULL"
        std::size_t kept = 0;     // blanks at the end don't belong to it, other than escaped ones
        const bool in_quotes = peek() == '"';
        if (in_quotes) ++at_;
        for (; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (in_quotes && c == '"') {
                ++at_;
                return std::optional<std::string>(std::move(word));
            }
            if (!in_quotes && (c == ',' || c == '}')) break;
            if (!in_quotes && (c == '{' || c == '"')) return malformed();
            const bool escaped = c == '\\';
            if (escaped) {
                if (++at_ >= text_.size()) return malformed();
                c = text_[at_];
            }
            word += c;
            if (escaped || !is_blank(c)) kept = word.size();
            any_escape = any_escape || escaped;
        }
        if (in_quotes) return malformed();
        word.resize(kept);
        if (word.empty()) return malformed();
        if (means_null(word) && !any_escape) return std::optional<std::string>();
        return std::optional<std::string>(std::move(word));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// A stored array was written here.
Texts stored_texts(std::string_view stored) {
    auto texts = Reader(stored).read();
    return texts.has_value() ? std::move(*texts) : Texts();
}

std::optional<std::string> element_text(SqlType element, const Stored& value) {
    if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return output_text(element, value);
}

Stored element_value(SqlType element, std::string text) {
    switch (element) {
        case SqlType::boolean:
            return std::int64_t{text == "t"};
        case SqlType::int2:
        case SqlType::int4:
        case SqlType::int8:
        case SqlType::oid:
        case SqlType::regclass:
        case SqlType::regtype:
        case SqlType::float4:
        case SqlType::float8:
        case SqlType::bytea: {
            auto value = input_text({element, -1}, text);
            return value.has_value() ? std::move(*value) : Stored();
        }
        default:
            return text;
    }
}

SqlType element_type(SqlType array) {
    return element_of(array).value_or(SqlType::text);
}

}  // namespace

SqlResult<Stored> input_array(Type type, std::string_view text) {
    auto texts = Reader(text).read();
    if (texts.has_error()) return texts.error();
    const Type element{element_type(type.type), type.typmod};
    std::string stored = "{";
    for (auto& item : *texts) {
        if (!item) {
            append_quoted(stored, std::nullopt);
            continue;
        }
        auto value = input_text(element, *item);
        if (value.has_error()) return value.error();
        append_quoted(stored, element_text(element.type, *value));
    }
    return Stored(stored + "}");
}

// ndim, whether it has NULLs, the elements' type; then size and lower bound of each dimension; then the
// elements.
SqlResult<Stored> input_array_binary(Type type, std::string_view bytes) {
    const SqlError wrong{sqlstate::bad_binary, "incorrect binary data format in an array"};
    // Nothing is taken that isn't there, whatever a length says.
    const auto take = [&](std::int64_t size) -> std::optional<std::string_view> {
        if (size < 0 || size > static_cast<std::int64_t>(bytes.size())) return std::nullopt;
        const auto taken = bytes.substr(0, static_cast<std::size_t>(size));
        bytes.remove_prefix(taken.size());
        return taken;
    };
    const auto number = [&]() -> std::optional<std::int64_t> {
        const auto taken = take(4);
        return taken ? std::optional(from_big_endian(*taken)) : std::nullopt;
    };
    const auto dimensions = number();
    if (!dimensions) return too_short();
    if (*dimensions < 0) return wrong;
    if (*dimensions > max_dimensions)
        return SqlError{sqlstate::limit_exceeded,
                        fmt::format("number of array dimensions ({}) exceeds the maximum allowed ({})",
                                    *dimensions, max_dimensions)};
    const auto flags = number(), oid = number();
    if (!flags || !oid) return too_short();
    if (*flags < 0 || *flags > 1) return wrong;
    const Type element{element_type(type.type), type.typmod};
    if (*oid != static_cast<std::int64_t>(element.type))
        return SqlError{"42804",
                        fmt::format("binary data has array element type {} instead of expected {} ({})", *oid,
                                    static_cast<std::uint32_t>(element.type), type_name(element.type))};
    if (*dimensions == 0) return bytes.empty() ? SqlResult<Stored>(Stored(std::string("{}"))) : wrong;
    if (*dimensions > 1) return unsupported("an array of more than one dimension");
    const auto count = number(), lower = number();
    if (!count || !lower) return too_short();
    if (*count < 0 || *count > max_elements)
        return SqlError{sqlstate::limit_exceeded, fmt::format("array size exceeds the maximum allowed ({})",
                                                              static_cast<int>(max_elements))};
    if (*lower != 1 && *count > 0) return unsupported("an array with lower bounds");
    std::string stored = "{";
    for (std::int64_t i = 0; i < *count; ++i) {
        const auto length = number();
        if (!length) return too_short();
        if (*length == -1) {
            append_quoted(stored, std::nullopt);
            continue;
        }
        const auto content = take(*length);
        if (!content) return wrong;
        auto value = input_binary(element, *content);
        if (value.has_error()) return value.error();
        append_quoted(stored, element_text(element.type, *value));
    }
    if (!bytes.empty()) return wrong;
    return Stored(stored + "}");
}

std::string output_array(SqlType type, std::string_view stored) {
    std::string out = "{";
    for (const auto& value : array_elements(type, stored))
        append_quoted(out, std::holds_alternative<std::monostate>(value)
                               ? std::nullopt
                               : std::optional(output_text(element_type(type), value)));
    return out + "}";
}

SqlResult<std::string> output_array_binary(SqlType type, std::string_view stored) {
    const SqlType element = element_type(type);
    const auto elements = array_elements(type, stored);
    const bool has_nulls = std::any_of(elements.begin(), elements.end(), [](const Stored& value) {
        return std::holds_alternative<std::monostate>(value);
    });
    const auto int32 = [](std::uint64_t value) { return big_endian_bytes(value, 4); };
    std::string out = int32(elements.empty() ? 0 : 1) + int32(has_nulls ? 1 : 0) +
                      int32(static_cast<std::uint32_t>(element));
    if (!elements.empty()) out += int32(elements.size()) + int32(1);
    for (const auto& value : elements) {
        if (std::holds_alternative<std::monostate>(value)) {
            out += int32(0xffff'ffff);
            continue;
        }
        const auto bytes = output_binary(element, value);
        if (bytes.has_error()) return bytes.error();
        out += int32(bytes->size()) + *bytes;
    }
    return out;
}

SqlResult<Stored> fit_array(Type type, std::string_view stored, bool explicit_cast) {
    const Type element{element_type(type.type), type.typmod};
    auto elements = array_elements(type.type, stored);
    for (auto& value : elements) {
        auto fitted = fit(element, std::move(value), explicit_cast);
        if (fitted.has_error()) return fitted.error();
        value = std::move(*fitted);
    }
    return Stored(stored_array(type.type, elements));
}

std::string stored_array(SqlType type, const ArrayElements& elements) {
    std::string stored = "{";
    for (const auto& value : elements) append_quoted(stored, element_text(element_type(type), value));
    return stored + "}";
}

ArrayElements array_elements(SqlType type, std::string_view stored) {
    ArrayElements elements;
    for (auto& text : stored_texts(stored))
        elements.push_back(text ? element_value(element_type(type), std::move(*text)) : Stored());
    return elements;
}

}  // namespace understudy::database
