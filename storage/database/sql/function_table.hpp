// SPDX-License-Identifier: Apache-2.0
// The functions that statements may call: PostgreSQL's names and argument types, and the SQL that stands for
// each (manual chapter 9).
#pragma once

#include <string_view>
#include <vector>

#include "storage/database/core/types.hpp"

namespace understudy::database {

struct FunctionRow {
    std::string_view name;
    std::vector<SqlType> arguments;
    SqlType result;
    std::string_view sql;   // {0}, {1}, … are the arguments; {*} all of them
    bool variadic = false;  // the last argument any number of times
};

// SqlType::unknown as an argument takes any type, as it is; as a result it is the first argument's type.
const std::vector<FunctionRow>& function_table();

bool is_aggregate(std::string_view name);
bool is_window_function(std::string_view name);

}  // namespace understudy::database
