// SPDX-License-Identifier: Apache-2.0
// Aggregates that keep their rows: array_agg, and string_agg with ORDER BY or DISTINCT (PostgreSQL manual
// chapter 4.2.7). Their arguments: the value's type, how to order ("d" where equal values count once, then
// for each key its type, "a" or "d", "f" or "l" for NULLs: "23:al 25:df"), the value, string_agg's separator,
// the keys.
#include <algorithm>
#include <charconv>
#include <vector>

#include "storage/database/core/arrays.hpp"
#include "storage/database/core/value_order.hpp"
#include "storage/database/functions/aggregate_state.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t max_kept_bytes = 64 * 1024 * 1024;  // SQLite's limit on a value, too

struct SortKey {
    SqlType type;
    bool descending, nulls_first;
};

struct KeptRow {
    Stored value, separator;
    std::vector<Stored> keys;
};

struct Kept {
    SqlType type = SqlType::text;
    bool distinct = false;
    std::vector<SortKey> order;
    std::vector<KeptRow> rows;
    std::size_t bytes = 0;
};

void read_order(std::string_view text, Kept& kept) {
    if (text.starts_with('d')) {
        kept.distinct = true;
        text.remove_prefix(1);
    }
    while (!text.empty()) {
        std::uint32_t oid = 0;
        const auto end = std::from_chars(text.data(), text.data() + text.size(), oid);
        text.remove_prefix(static_cast<std::size_t>(end.ptr - text.data()));
        kept.order.push_back({static_cast<SqlType>(oid), text[1] == 'd', text[2] == 'f'});
        text.remove_prefix(std::min<std::size_t>(4, text.size()));
    }
}

std::size_t kept_size(const Stored& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->size() + sizeof value;
    if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes.size() + sizeof value;
    return sizeof value;
}

template <bool joins>
void keep_row(sqlite3_context* context, int count, sqlite3_value** arguments) {
    constexpr int value_at = 2, keys_at = joins ? 4 : 3;
    Call call(context, count, arguments);
    if (joins && call.null(value_at)) return;
    auto* kept = state_of<Kept>(context, true);
    if (kept == nullptr) return sqlite3_result_error_nomem(context);
    if (kept->rows.empty()) {
        kept->type = static_cast<SqlType>(call.integer(0));
        kept->order.clear();
        read_order(call.text(1), *kept);
    }
    KeptRow row;
    row.value = call.stored(value_at);
    if (joins) row.separator = call.stored(value_at + 1);
    for (int i = keys_at; i < count; ++i) row.keys.push_back(call.stored(i));
    kept->bytes += sizeof row + kept_size(row.value) + kept_size(row.separator);
    for (const auto& key : row.keys) kept->bytes += kept_size(key);
    if (kept->bytes > max_kept_bytes)
        return call.fail(sqlstate::limit_exceeded, "an aggregate's rows take more than 64 MiB");
    kept->rows.push_back(std::move(row));
}

void sort_kept(Kept& kept) {
    if (kept.distinct && kept.order.empty()) {
        kept.order.push_back({kept.type, false, false});
        for (auto& row : kept.rows) row.keys.push_back(row.value);
    }
    std::stable_sort(kept.rows.begin(), kept.rows.end(), [&](const KeptRow& a, const KeptRow& b) {
        for (std::size_t i = 0; i < kept.order.size(); ++i) {
            const auto& key = kept.order[i];
            const bool no_a = std::holds_alternative<std::monostate>(a.keys[i]),
                       no_b = std::holds_alternative<std::monostate>(b.keys[i]);
            if (no_a != no_b) return key.nulls_first ? no_a : no_b;
            const int order = compare_values(key.type, a.keys[i], b.keys[i]);
            if (order != 0) return key.descending ? order > 0 : order < 0;
        }
        return false;
    });
    if (!kept.distinct) return;
    // Ordered by an argument, which the value is: equal ones stand side by side.
    const auto equal = [&](const KeptRow& a, const KeptRow& b) {
        return compare_values(kept.type, a.value, b.value) == 0 && a.separator == b.separator;
    };
    kept.rows.erase(std::unique(kept.rows.begin(), kept.rows.end(), equal), kept.rows.end());
}

void kept_array(sqlite3_context* context) {
    auto* kept = state_of<Kept>(context, false);
    if (kept == nullptr || kept->rows.empty()) return;
    sort_kept(*kept);
    ArrayElements elements;
    for (auto& row : kept->rows) elements.push_back(std::move(row.value));
    const auto array = array_of(kept->type);
    Call(context, 0, nullptr)
        .give(std::string_view(stored_array(array.value_or(SqlType::text_array), elements)));
}

void kept_text(sqlite3_context* context) {
    auto* kept = state_of<Kept>(context, false);
    if (kept == nullptr || kept->rows.empty()) return;
    sort_kept(*kept);
    std::string text;
    for (std::size_t i = 0; i < kept->rows.size(); ++i) {
        const auto& row = kept->rows[i];
        if (const auto* separator = std::get_if<std::string>(&row.separator); separator != nullptr && i > 0)
            text += *separator;
        text += output_text(kept->type, row.value);
    }
    Call(context, 0, nullptr).give(std::string_view(text));
}

}  // namespace

void add_ordered_aggregates(Registry& registry) {
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3_create_function_v2(registry.connection(), "understudy_array_agg", -1, flags, nullptr, nullptr,
                               keep_row<false>, finish_aggregate<Kept, kept_array>, nullptr);
    sqlite3_create_function_v2(registry.connection(), "understudy_string_agg_ordered", -1, flags, nullptr,
                               nullptr, keep_row<true>, finish_aggregate<Kept, kept_text>, nullptr);
}

}  // namespace understudy::database
