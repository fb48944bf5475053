// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/value_order.hpp"

#include <algorithm>

#include "storage/database/core/arrays.hpp"
#include "storage/database/core/moments.hpp"
#include "storage/database/core/numeric.hpp"

namespace understudy::database {
namespace {

template <typename T>
int sign(const T& a, const T& b) {
    return a < b ? -1 : b < a ? 1 : 0;
}

double real_of(const Stored& value) {
    if (const auto* real = std::get_if<double>(&value)) return *real;
    const auto* whole = std::get_if<std::int64_t>(&value);
    return whole == nullptr ? 0 : static_cast<double>(*whole);
}

std::string_view without_blanks(std::string_view text) {
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

int compare_elements(ElementOrder order, const std::string& left, const std::string& right) {
    switch (order) {
        case ElementOrder::numbers:
            return compare_numeric_texts(left, right);
        case ElementOrder::reals: {
            const auto real = [](const std::string& text) {
                const auto value = input_text({SqlType::float8, -1}, text);
                return value.has_value() ? real_of(*value) : 0.0;
            };
            return sign(real(left), real(right));
        }
        case ElementOrder::intervals: {
            const auto a = read_interval(left), b = read_interval(right);
            if (!a || !b) return a.has_value() - b.has_value();
            return sign(interval_order_us(*a), interval_order_us(*b));
        }
        default:
            return sign(left, right);
    }
}

int compare_texts(SqlType type, const std::string& left, const std::string& right) {
    if (type == SqlType::numeric) return compare_numeric_texts(left, right);
    if (type == SqlType::bpchar) return sign(without_blanks(left), without_blanks(right));
    if (type == SqlType::interval) {
        const auto a = read_interval(left), b = read_interval(right);
        if (a && b) return sign(interval_order_us(*a), interval_order_us(*b));
    }
    if (is_array(type)) return compare_arrays(element_order(type), left, right);
    return sign(left, right);
}

}  // namespace

int compare_values(SqlType type, const Stored& left, const Stored& right) {
    const bool no_left = std::holds_alternative<std::monostate>(left),
               no_right = std::holds_alternative<std::monostate>(right);
    if (no_left || no_right) return no_left - no_right;
    const auto *text = std::get_if<std::string>(&left), *other = std::get_if<std::string>(&right);
    if (text != nullptr && other != nullptr) return compare_texts(type, *text, *other);
    const auto *blob = std::get_if<Blob>(&left), *other_blob = std::get_if<Blob>(&right);
    if (blob != nullptr && other_blob != nullptr) return sign(blob->bytes, other_blob->bytes);
    const auto *whole = std::get_if<std::int64_t>(&left), *other_whole = std::get_if<std::int64_t>(&right);
    if (whole != nullptr && other_whole != nullptr) return sign(*whole, *other_whole);
    return sign(real_of(left), real_of(right));
}

ElementOrder element_order(SqlType array) {
    const SqlType element = element_of(array).value_or(SqlType::text);
    if (is_integer(element) || element == SqlType::numeric || element == SqlType::oid)
        return ElementOrder::numbers;
    if (element == SqlType::float4 || element == SqlType::float8) return ElementOrder::reals;
    return element == SqlType::interval ? ElementOrder::intervals : ElementOrder::characters;
}

int compare_arrays(ElementOrder order, std::string_view left, std::string_view right) {
    const auto a = array_elements(SqlType::text_array, left), b = array_elements(SqlType::text_array, right);
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const auto *text = std::get_if<std::string>(&a[i]), *other = std::get_if<std::string>(&b[i]);
        if (text == nullptr || other == nullptr) {
            if (text != other) return text != nullptr ? -1 : 1;
            continue;
        }
        if (const int here = compare_elements(order, *text, *other); here != 0) return here;
    }
    return sign(a.size(), b.size());
}

}  // namespace understudy::database
