// SPDX-License-Identifier: Apache-2.0
// Rewrites the expressions and clauses of a statement for SQLite; see dialect.hpp.
#pragma once

#include <vector>

#include "storage/database/core/dialect.hpp"

namespace understudy::database {

// SQL for the tokens [begin, end). Types that casts give to parameters are noted in `parameters`.
SqlResult<std::string> rewrite(const std::vector<Token>& tokens, std::size_t begin, std::size_t end,
                               std::vector<SqlType>& parameters);

// The index of the parenthesis that closes the one at `open`, or `end`.
std::size_t closing(const std::vector<Token>& tokens, std::size_t open, std::size_t end);

// The first token at depth 0 in [begin, end) that is one of these words, or `end`.
std::size_t find_word(const std::vector<Token>& tokens, std::size_t begin, std::size_t end,
                      std::initializer_list<std::string_view> words);

}  // namespace understudy::database
