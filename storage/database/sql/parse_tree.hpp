// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's own grammar (libpg_query, PostgreSQL 15): SQL text to its syntax tree, or PostgreSQL's syntax
// error. Any thread; each keeps parser memory of its own.
#pragma once

#include <pg_query/pg_query.pb-c.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

class ParseTree {
  public:
    static SqlResult<ParseTree> parse(const std::string& sql);

    std::size_t size() const { return tree_->n_stmts; }
    const PgQuery__Node& statement(std::size_t index) const { return *tree_->stmts[index]->stmt; }

  private:
    struct Free {
        void operator()(PgQuery__ParseResult* tree) const {
            pg_query__parse_result__free_unpacked(tree, nullptr);
        }
    };
    std::unique_ptr<PgQuery__ParseResult, Free> tree_;
};

// The text of a String node; empty for any other.
std::string_view text_of(const PgQuery__Node* node);
// a.b.c
std::vector<std::string> names_of(PgQuery__Node* const* nodes, std::size_t count);
// "a" with its quotes, for SQLite.
std::string quoted(std::string_view identifier);
std::string quoted_list(const std::vector<std::string>& identifiers);

// Whether a call for which `wanted` holds is in the tree, outside of sub-selects.
bool contains_call(const PgQuery__Node* node, bool (*wanted)(const PgQuery__FuncCall&));

}  // namespace understudy::database
