// SPDX-License-Identifier: Apache-2.0
// The order of two stored values of one type, as its operators < and = have it (PostgreSQL manual chapter 8).
// NULLs are equal and come after everything else.
#pragma once

#include <string_view>

#include "storage/database/core/value_forms.hpp"

namespace understudy::database {

int compare_values(SqlType type, const Stored& left, const Stored& right);

// Of arrays as they are stored. How elements compare: by their characters, as numbers, as intervals. NULLs
// are equal and come last.
enum class ElementOrder { characters, numbers, reals, intervals };
ElementOrder element_order(SqlType array);
int compare_arrays(ElementOrder order, std::string_view left, std::string_view right);

}  // namespace understudy::database
