// SPDX-License-Identifier: Apache-2.0
// Where an expression stands, and what may therefore not be in it: aggregates, window functions, sub-selects,
// parameters. PostgreSQL has the same list as ParseExprKind (parse_expr.c, parse_agg.c), and its words.
#pragma once

namespace understudy::database {

struct ExpressionPlace {
    // As in "aggregate functions are not allowed in WHERE"; null: they are allowed.
    const char* without_aggregates = nullptr;
    const char* without_windows = nullptr;
    // As in "cannot use subquery in check constraint"; null: they are allowed. A definition has no parameters
    // either.
    const char* without_subqueries = nullptr;
    // As in "argument of LIMIT must not contain variables"; null: the columns of its own query are allowed.
    const char* without_columns = nullptr;
};

namespace place {
constexpr ExpressionPlace anywhere{};
constexpr ExpressionPlace where{"WHERE", "WHERE"};
constexpr ExpressionPlace join{"JOIN conditions", "JOIN conditions"};
constexpr ExpressionPlace from_function{"functions in FROM", "functions in FROM"};
constexpr ExpressionPlace group_by{"GROUP BY", "GROUP BY"};
constexpr ExpressionPlace having{nullptr, "HAVING"};
constexpr ExpressionPlace filter{"FILTER", "FILTER"};
constexpr ExpressionPlace window{nullptr, "window definitions"};
constexpr ExpressionPlace values{"VALUES", "VALUES"};
constexpr ExpressionPlace limit{"LIMIT", "LIMIT", nullptr, "LIMIT"};
constexpr ExpressionPlace offset{"OFFSET", "OFFSET", nullptr, "OFFSET"};
constexpr ExpressionPlace update{"UPDATE", "UPDATE"};
constexpr ExpressionPlace returning{"RETURNING", "RETURNING"};
constexpr ExpressionPlace check{"check constraints", "check constraints", "check constraint"};
constexpr ExpressionPlace column_default{"DEFAULT expressions", "DEFAULT expressions", "DEFAULT expression"};
constexpr ExpressionPlace generation{"column generation expressions", "column generation expressions",
                                     "column generation expression"};
constexpr ExpressionPlace index_key{"index expressions", "index expressions", "index expression"};
constexpr ExpressionPlace index_predicate{"index predicates", "index predicates", "index predicate"};
}  // namespace place

// A value for as long as this lives.
template <typename Value>
class Restored {
  public:
    Restored(Value& current, Value now) : current_(current), before_(current) { current_ = now; }
    ~Restored() { current_ = before_; }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

  private:
    Value& current_;
    Value before_;
};
class Standing : Restored<const ExpressionPlace*> {
  public:
    Standing(const ExpressionPlace*& current, const ExpressionPlace& now) : Restored(current, &now) {}
};

}  // namespace understudy::database
