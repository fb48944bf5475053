// SPDX-License-Identifier: Apache-2.0
// Functions and operators of arrays (PostgreSQL manual chapter 9.19), and the order of arrays. The array's
// type is the last argument wherever the elements' matters.
#include "storage/database/core/arrays.hpp"

#include <algorithm>
#include <utility>

#include "storage/database/core/value_order.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

SqlType type_argument_of(Call& call, int index) {
    return static_cast<SqlType>(call.integer(index));
}
SqlType element_argument(Call& call, int index) {
    return element_of(type_argument_of(call, index)).value_or(SqlType::text);
}
ArrayElements elements_argument(Call& call, int index, int type) {
    if (call.null(index)) return {};
    return array_elements(type_argument_of(call, type), call.text(index));
}

// type, elements…
void make_array(Call& call) {
    ArrayElements elements;
    for (int i = 1; i < call.count(); ++i) elements.push_back(call.stored(i));
    call.give(std::string_view(stored_array(type_argument_of(call, 0), elements)));
}

void element_at(Call& call) {  // array, index, type
    auto elements = elements_argument(call, 0, 2);
    const auto index = call.integer(1);
    if (index >= 1 && index <= static_cast<std::int64_t>(elements.size()))
        call.give(elements[static_cast<std::size_t>(index - 1)]);
}

// array, first, last, type: counted from 1 again, whatever part it is.
void slice(Call& call) {
    auto elements = elements_argument(call, 0, 3);
    const auto size = static_cast<std::int64_t>(elements.size());
    const auto first = std::max<std::int64_t>(1, call.integer(1)) - 1;
    const auto last = std::min<std::int64_t>(size, call.integer(2));
    if (first >= last) return call.give(std::string_view("{}"));
    elements.resize(static_cast<std::size_t>(last));
    elements.erase(elements.begin(), elements.begin() + first);
    call.give(std::string_view(stored_array(type_argument_of(call, 3), elements)));
}

void array_cardinality(Call& call) {
    call.give(static_cast<std::int64_t>(array_elements(SqlType::text_array, call.text(0)).size()));
}
// array, dimension: of one that it hasn't, NULL; the empty array has none.
void array_length(Call& call) {
    const auto size = static_cast<std::int64_t>(array_elements(SqlType::text_array, call.text(0)).size());
    if (call.integer(1) == 1 && size > 0) call.give(size);
}
void array_lower_bound(Call& call) {
    if (call.integer(1) == 1 && call.text(0) != "{}") call.give(std::int64_t{1});
}

// A NULL array is left out.
void array_joined(Call& call) {
    if (call.null(0) && call.null(1)) return;
    if (call.null(0) || call.null(1)) return call.give_argument(call.null(0) ? 1 : 0);
    const std::string_view left = call.text(0), right = call.text(1);
    if (left == "{}" || right == "{}") return call.give(left == "{}" ? right : left);
    std::string both(left.substr(0, left.size() - 1));
    call.give(std::string_view((both += ',') += right.substr(1)));
}
void array_appended(Call& call) {  // array, element, type
    auto elements = elements_argument(call, 0, 2);
    elements.push_back(call.stored(1));
    call.give(std::string_view(stored_array(type_argument_of(call, 2), elements)));
}
void array_prepended(Call& call) {  // element, array, type
    auto elements = elements_argument(call, 1, 2);
    elements.insert(elements.begin(), call.stored(0));
    call.give(std::string_view(stored_array(type_argument_of(call, 2), elements)));
}

bool holds(const ArrayElements& elements, SqlType type, const Stored& wanted) {
    return std::any_of(elements.begin(), elements.end(), [&](const Stored& element) {
        return !std::holds_alternative<std::monostate>(element) && compare_values(type, element, wanted) == 0;
    });
}
// A NULL is in no array, not even in one that has a NULL.
void array_contains(Call& call) {
    const auto all = elements_argument(call, 0, 2), wanted = elements_argument(call, 1, 2);
    const SqlType type = element_argument(call, 2);
    call.give(std::all_of(wanted.begin(), wanted.end(), [&](const Stored& element) {
        return !std::holds_alternative<std::monostate>(element) && holds(all, type, element);
    }));
}
void array_overlaps(Call& call) {
    const auto all = elements_argument(call, 0, 2), wanted = elements_argument(call, 1, 2);
    const SqlType type = element_argument(call, 2);
    call.give(std::any_of(wanted.begin(), wanted.end(), [&](const Stored& element) {
        return !std::holds_alternative<std::monostate>(element) && holds(all, type, element);
    }));
}

// Here NULLs are equal.
void array_position(Call& call) {  // array, element, type
    if (call.null(0)) return;
    const auto elements = elements_argument(call, 0, 2);
    const Stored wanted = call.stored(1);
    for (std::size_t i = 0; i < elements.size(); ++i)
        if (compare_values(element_argument(call, 2), elements[i], wanted) == 0)
            return call.give(static_cast<std::int64_t>(i + 1));
}
void array_removed(Call& call) {  // array, element, type
    if (call.null(0)) return;
    auto elements = elements_argument(call, 0, 2);
    const Stored unwanted = call.stored(1);
    std::erase_if(elements, [&](const Stored& element) {
        return compare_values(element_argument(call, 2), element, unwanted) == 0;
    });
    call.give(std::string_view(stored_array(type_argument_of(call, 2), elements)));
}

void array_to_string(Call& call) {  // array, separator, what stands for NULL, type
    if (call.null(0) || call.null(1)) return;
    std::string text;
    bool first = true;
    for (const auto& element : elements_argument(call, 0, 3)) {
        const bool null = std::holds_alternative<std::monostate>(element);
        if (null && call.null(2)) continue;
        if (!std::exchange(first, false)) text += call.text(1);
        text += null ? std::string(call.text(2)) : output_text(element_argument(call, 3), element);
    }
    call.give(std::string_view(text));
}
void array_from_string(Call& call) {  // text, separator (NULL: each character), what stands for NULL
    if (call.null(0)) return;
    std::string_view rest = call.text(0);
    ArrayElements elements;
    const auto add = [&](std::string_view part) {
        const bool null = !call.null(2) && part == call.text(2);
        elements.push_back(null ? Stored() : Stored(std::string(part)));
    };
    while (call.null(1) && !rest.empty()) {
        const std::string_view character = first_characters(rest, 1);
        add(character);
        rest.remove_prefix(character.size());
    }
    if (!call.null(1) && !rest.empty()) {
        const std::string_view separator = call.text(1);
        for (auto at = rest.find(separator); !separator.empty() && at != std::string_view::npos;
             at = rest.find(separator)) {
            add(rest.substr(0, at));
            rest.remove_prefix(at + separator.size());
        }
        add(rest);
    }
    call.give(std::string_view(stored_array(SqlType::text_array, elements)));
}

// array, its type, the wanted one: elements by their texts, numbers among themselves as they are.
void array_converted(Call& call) {
    const SqlType from = element_argument(call, 1), to = element_argument(call, 2);
    auto elements = elements_argument(call, 0, 1);
    for (auto& element : elements) {
        if (std::holds_alternative<std::monostate>(element)) continue;
        auto value = input_text({to, -1}, from == SqlType::boolean && is_text(to)
                                              ? std::get<std::int64_t>(element) != 0 ? "true" : "false"
                                              : output_text(from, element));
        if (value.has_error()) return call.fail(value.error());
        element = std::move(*value);
    }
    call.give(std::string_view(stored_array(type_argument_of(call, 2), elements)));
}

int compare_stored_arrays(void* order, int left_size, const void* left, int right_size, const void* right) {
    return compare_arrays(*static_cast<const ElementOrder*>(order),
                          {static_cast<const char*>(left), static_cast<std::size_t>(left_size)},
                          {static_cast<const char*>(right), static_cast<std::size_t>(right_size)});
}

}  // namespace

void add_array_functions(Registry& registry) {
    registry.add("understudy_array", -1, with_nulls<make_array>);
    registry.add("understudy_array_get", 3, strict<element_at>);
    registry.add("understudy_array_slice", 4, strict<slice>);
    registry.add("understudy_array_cardinality", 1, strict<array_cardinality>);
    registry.add("understudy_array_length", 2, strict<array_length>);
    registry.add("understudy_array_lower", 2, strict<array_lower_bound>);
    registry.add("understudy_array_cat", 2, with_nulls<array_joined>);
    registry.add("understudy_array_append", 3, with_nulls<array_appended>);
    registry.add("understudy_array_prepend", 3, with_nulls<array_prepended>);
    registry.add("understudy_array_contains", 3, strict<array_contains>);
    registry.add("understudy_array_overlaps", 3, strict<array_overlaps>);
    registry.add("understudy_array_position", 3, with_nulls<array_position>);
    registry.add("understudy_array_remove", 3, with_nulls<array_removed>);
    registry.add("understudy_array_to_string", 4, with_nulls<array_to_string>);
    registry.add("understudy_string_to_array", 3, with_nulls<array_from_string>);
    registry.add("understudy_array_convert", 3, strict<array_converted>);
    static ElementOrder orders[] = {ElementOrder::characters, ElementOrder::numbers, ElementOrder::reals,
                                    ElementOrder::intervals};
    const char* names[] = {"understudy_array", "understudy_array_numbers", "understudy_array_reals",
                           "understudy_array_intervals"};
    for (std::size_t i = 0; i < std::size(orders); ++i)
        sqlite3_create_collation_v2(registry.connection(), names[i], SQLITE_UTF8, &orders[i],
                                    compare_stored_arrays, nullptr);
}

}  // namespace understudy::database
