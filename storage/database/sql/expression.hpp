// SPDX-License-Identifier: Apache-2.0
// A translated expression, and a translated SELECT: SQLite's SQL with what PostgreSQL knows of it.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/types.hpp"
#include "storage/database/sql/statement.hpp"

namespace understudy::database {

// Of the scopes whose columns an expression uses, the outermost and the innermost (Scope::level).
struct Levels {
    int outermost = std::numeric_limits<int>::max(), innermost = -1;
    void add(const Levels& other) {
        outermost = std::min(outermost, other.outermost);
        innermost = std::max(innermost, other.innermost);
    }
};

struct Expression {
    std::string sql;
    Type type;
    // An unknown literal or parameter gets its type, and a literal its stored form, when it is converted.
    std::optional<std::string> literal;
    std::optional<std::string> relation;  // of a literal that was cast to regclass
    int parameter = 0;
    bool null_literal = false;
    std::string name;        // that a result column of it has
    bool weak_name = false;  // and that a cast's type replaces

    Levels levels{};
    bool undecided() const { return type.type == SqlType::unknown; }
};

struct Relation {  // a SELECT
    std::string sql;
    std::vector<ResultColumn> columns;
    std::vector<std::string> aliases;  // what the columns are called in `sql`: each by a name of its own
    bool single_row = false;           // never has more than one row
};

// The wider of two number types, as PostgreSQL's operators have it.
SqlType wider_number(SqlType left, SqlType right);
// A number or NULL by itself: ORDER BY and GROUP BY would take it for a position.
bool is_bare_number(std::string_view sql);
// A literal of an unknown type beside a known one has the other's type.
void decide(Expression& left, Expression& right);
Expression of_type(SqlType type, std::string sql, std::string name = {});
// What compares, orders or groups values as those of the type.
std::string with_collation(const std::string& sql, SqlType type);
bool has_collation(const std::string& sql);

}  // namespace understudy::database
