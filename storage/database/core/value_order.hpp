// SPDX-License-Identifier: Apache-2.0
// The order of two stored values of one type, as its operators < and = have it (PostgreSQL manual chapter 8).
// NULLs are equal and come after everything else.
#pragma once

#include "storage/database/core/value_forms.hpp"

namespace understudy::database {

int compare_values(SqlType type, const Stored& left, const Stored& right);

}  // namespace understudy::database
