// SPDX-License-Identifier: Apache-2.0
// Splits PostgreSQL SQL into tokens (manual chapter 4.1) and drops white space and comments. It knows
// strings, E'', dollar quotes, quoted identifiers, parameters, numbers and operators; it knows no grammar.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

enum class TokenKind { word, quoted_identifier, string, parameter, number, symbol };

struct Token {
    TokenKind kind = TokenKind::symbol;
    std::string text;  // word: folded to lower case; string, quoted_identifier: contents without quotes; else
                       // as written
    std::size_t offset = 0;

    bool is(std::string_view word_or_symbol) const {
        return (kind == TokenKind::word || kind == TokenKind::symbol) && text == word_or_symbol;
    }
    bool operator==(const Token&) const = default;
};

SqlResult<std::vector<Token>> tokenize(std::string_view sql);

// The statements between semicolons; empty ones are left out.
std::vector<std::vector<Token>> split_statements(const std::vector<Token>& tokens);

// SQL text for SQLite: strings and identifiers quoted again.
std::string to_sql(const Token& token);
std::string to_sql(const std::vector<Token>& tokens);

}  // namespace understudy::database
