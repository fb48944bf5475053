// SPDX-License-Identifier: Apache-2.0
// Arrays of one dimension, counted from 1 (PostgreSQL manual chapter 8.15). Stored is PostgreSQL's own text
// form,
// "{1,NULL,\"a b\"}", with the elements as they are stored (value_forms.hpp), so that a comparison of
// elements in order is the arrays' order (value_order.hpp). Other dimensions and lower bounds are refused by
// name. Sizes are bounded by the messages that bring them and by SQLite's limit on a value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/value_forms.hpp"

namespace understudy::database {

using ArrayElements = std::vector<Stored>;  // monostate: NULL

// `type` is the array's in all of these.
SqlResult<Stored> input_array(Type type, std::string_view text);
SqlResult<Stored> input_array_binary(Type type, std::string_view bytes);
std::string output_array(SqlType type, std::string_view stored);
SqlResult<std::string> output_array_binary(SqlType type, std::string_view stored);
SqlResult<Stored> fit_array(Type type, std::string_view stored, bool explicit_cast);

std::string stored_array(SqlType type, const ArrayElements& elements);
ArrayElements array_elements(SqlType type, std::string_view stored);

}  // namespace understudy::database
