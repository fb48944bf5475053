// SPDX-License-Identifier: Apache-2.0
// Conversions between types at run time, and checks that SQLite doesn't make.
#include "storage/database/functions/call.hpp"

namespace understudy::database {
namespace {

Type type_argument(Call& call, int oid, int typmod) {
    return {static_cast<SqlType>(call.integer(oid)),
            typmod < 0 ? -1 : static_cast<std::int32_t>(call.integer(typmod))};
}

// value, type, modifier: from its text, by an explicit cast.
void input(Call& call) {
    call.give(input_text(type_argument(call, 1, 2), call.text(0)));
}

// value, type: what a cast to text shows. Other than on the wire, a boolean is written out.
void output(Call& call) {
    const Type type = type_argument(call, 1, -1);
    if (type.type == SqlType::boolean)
        return call.give(std::string_view(call.integer(0) != 0 ? "true" : "false"));
    call.give(std::string_view(output_text(type.type, call.stored(0))));
}

// value, type, modifier, whether by an explicit cast
void fit_to(Call& call) {
    call.give(fit(type_argument(call, 1, 2), call.stored(0), call.integer(3) != 0));
}

void not_null(Call& call) {
    if (call.null(0))
        return call.fail(
            sqlstate::not_null_violation,
            fmt::format("null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                        call.text(1), call.text(2)));
    call.give_argument(0);
}

// The value of a sub-select that may have one row: value, number of rows.
void only(Call& call) {
    if (call.integer(1) > 1)
        return call.fail(sqlstate::cardinality_violation,
                         "more than one row returned by a subquery used as an expression");
    call.give_argument(0);
}

}  // namespace

void add_value_functions(Registry& registry) {
    registry.add("understudy_input", 3, strict<input>);
    registry.add("understudy_output", 2, strict<output>);
    registry.add("understudy_fit", 4, strict<fit_to>);
    registry.add("understudy_not_null", 3, with_nulls<not_null>);
    registry.add("understudy_only", 2, with_nulls<only>);
}

}  // namespace understudy::database
