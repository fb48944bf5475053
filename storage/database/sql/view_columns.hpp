// SPDX-License-Identifier: Apache-2.0
// A view's columns with their types, which SQLite doesn't keep of expressions: a remark in the view's
// definition. And whether a definition reads a relation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/database/sql/statement.hpp"

namespace understudy::database {

std::string view_remark(const std::vector<ResultColumn>& columns);
std::vector<ResultColumn> read_view_remark(std::string_view definition);

// By how the translation writes FROM: the relation's quoted name, then AS.
bool reads_relation(std::string_view definition, std::string_view relation);

}  // namespace understudy::database
