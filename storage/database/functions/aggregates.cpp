// SPDX-License-Identifier: Apache-2.0
// Aggregates that SQLite hasn't: exact sums and means, string_agg.
#include "storage/database/core/numeric.hpp"
#include "storage/database/functions/aggregate_state.hpp"
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

struct Sum {
    Numeric sum;
    std::int64_t count = 0;
};

struct Joined {
    std::string text;
    std::int64_t count = 0;
};

void sum_step(sqlite3_context* context, int count, sqlite3_value** arguments) {
    Call call(context, count, arguments);
    if (call.null(0)) return;
    const auto value = parse_numeric(call.text(0));
    if (!value) return call.fail(sqlstate::internal_error, "a stored numeric is none");
    auto* state = state_of<Sum>(context, true);
    state->sum = state->sum + *value;
    ++state->count;
}
void sum_inverse(sqlite3_context* context, int count, sqlite3_value** arguments) {
    Call call(context, count, arguments);
    if (call.null(0)) return;
    auto* state = state_of<Sum>(context, true);
    if (const auto value = parse_numeric(call.text(0))) state->sum = state->sum - *value;
    --state->count;
}
void sum_value(sqlite3_context* context) {
    const auto* state = state_of<Sum>(context, false);
    if (state != nullptr && state->count > 0)
        Call(context, 0, nullptr).give(std::string_view(show(state->sum)));
}
void mean_value(sqlite3_context* context) {
    const auto* state = state_of<Sum>(context, false);
    if (state == nullptr || state->count == 0) return;
    if (const auto mean = divide(state->sum, numeric_from(state->count)))
        Call(context, 0, nullptr).give(std::string_view(show(*mean)));
}

void join_step(sqlite3_context* context, int count, sqlite3_value** arguments) {
    Call call(context, count, arguments);
    if (call.null(0)) return;
    auto* state = state_of<Joined>(context, true);
    const std::string_view separator = call.null(1) ? std::string_view() : call.text(1);
    if (state->count > 0) state->text += separator;
    state->text += call.text(0);
    ++state->count;
}
void join_value(sqlite3_context* context) {
    const auto* state = state_of<Joined>(context, false);
    if (state != nullptr && state->count > 0) Call(context, 0, nullptr).give(std::string_view(state->text));
}
}  // namespace

void add_aggregates(Registry& registry) {
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3_create_window_function(registry.connection(), "understudy_sum_numeric", 1, flags, nullptr,
                                   sum_step, finish_aggregate<Sum, sum_value>, sum_value, sum_inverse,
                                   nullptr);
    sqlite3_create_window_function(registry.connection(), "understudy_avg_numeric", 1, flags, nullptr,
                                   sum_step, finish_aggregate<Sum, mean_value>, mean_value, sum_inverse,
                                   nullptr);
    sqlite3_create_function_v2(registry.connection(), "understudy_string_agg", 2, flags, nullptr, nullptr,
                               join_step, finish_aggregate<Joined, join_value>, nullptr);
}

}  // namespace understudy::database
