// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/expressions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace understudy::database {
namespace {

constexpr std::size_t max_parameters = 32'000;  // below SQLite's limit of 32766
constexpr int max_depth = 200;

SqlError syntax(const Token& token) {
    return {sqlstate::syntax_error, fmt::format("syntax error at or near \"{}\"", token.text)};
}

template <std::size_t n>
bool one_of(const std::string& word, const std::array<std::string_view, n>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Words before a parenthesis that is not a call's.
constexpr std::array<std::string_view, 34> never_functions = {
    "select", "where",    "and",     "or",   "not",    "in",       "values",    "on",  "having",
    "by",     "then",     "else",    "when", "case",   "set",      "returning", "as",  "from",
    "limit",  "offset",   "between", "like", "is",     "distinct", "all",       "any", "exists",
    "using",  "conflict", "over",    "key",  "unique", "check",    "default"};
// What SQLite would take, and answer otherwise or for another reason than PostgreSQL.
constexpr std::array<std::string_view, 24> refused_words = {
    "interval",     "current_date", "current_time", "localtime",       "localtimestamp",
    "ilike",        "similar",      "glob",         "regexp",          "match",
    "isnull",       "notnull",      "indexed",      "current_catalog", "current_schema",
    "current_role", "array",        "lateral",      "natural",         "collate",
    "raise",        "avg",          "group_concat", "overlaps"};
constexpr std::array<std::string_view, 3> hidden_columns = {"rowid", "oid", "_rowid_"};
constexpr std::array<std::string_view, 16> refused_symbols = {"?",  ":",  "@",  "#",  "^",  "[",  "]", "->",
                                                              "=>", "!~", "~*", "&&", "@>", "<@", "~", "!"};
constexpr std::array<std::string_view, 8> order_ends = {"limit", "offset", "fetch", "for",
                                                        "rows",  "range",  "union", "returning"};

class Rewriter {
  public:
    Rewriter(const std::vector<Token>& tokens, std::vector<SqlType>& parameters)
        : tokens_(tokens), parameters_(parameters) {}

    SqlResult<std::string> run(std::size_t begin, std::size_t end) {
        if (++depth_ > max_depth) return SqlError{sqlstate::limit_exceeded, "stack depth limit exceeded"};
        std::vector<std::string> pieces;
        bool ordering = false, descending = false, nulls_given = false;
        const auto end_of_order_item = [&] {
            if (!nulls_given) pieces.push_back(descending ? "NULLS FIRST" : "NULLS LAST");
            descending = nulls_given = false;
        };
        for (std::size_t at = begin; at < end;) {
            const Token& token = tokens_[at];
            if (ordering && token.is(",")) end_of_order_item();
            if (ordering && token.kind == TokenKind::word) {
                descending = descending || token.text == "desc";
                nulls_given = nulls_given || token.text == "nulls";
                if (one_of(token.text, order_ends)) {
                    end_of_order_item();
                    ordering = false;
                }
            }
            if (token.is("order") && at + 1 < end && tokens_[at + 1].is("by")) {
                pieces.push_back("ORDER BY");
                ordering = true;
                at += 2;
                continue;
            }
            if (token.is("::")) {
                auto type = read_type_name(tokens_, at + 1);
                if (type.has_error()) return type.error();
                if (pieces.empty()) return syntax(token);
                auto cast = wrap(pieces.back(), *type);
                if (cast.has_error()) return cast.error();
                pieces.back() = *cast;
                at += 1 + type->tokens;
                continue;
            }
            auto piece = primary(at, end);
            if (piece.has_error()) return piece.error();
            pieces.push_back(std::move(*piece));
        }
        if (ordering) end_of_order_item();
        --depth_;
        std::string sql;
        for (const auto& piece : pieces) {
            if (!sql.empty()) sql += ' ';
            sql += piece;
        }
        return sql;
    }

  private:
    // One operand, call, parenthesis or symbol; moves `at` past it.
    SqlResult<std::string> primary(std::size_t& at, std::size_t end) {
        const Token& token = tokens_[at];
        const auto next_is = [&](std::size_t ahead, std::string_view text) {
            return at + ahead < end && tokens_[at + ahead].is(text);
        };
        if (token.is("(")) {
            const std::size_t close = closing(tokens_, at, end);
            if (close == end)
                return SqlError{sqlstate::syntax_error,
                                "syntax error at end of input: a parenthesis is not closed"};
            auto inner = run(at + 1, close);
            if (inner.has_error()) return inner.error();
            at = close + 1;
            return "(" + *inner + ")";
        }
        if (token.kind == TokenKind::parameter) return parameter(at++);
        if (token.kind == TokenKind::symbol) return symbol(at, end);
        if (token.kind == TokenKind::word) {
            if (one_of(token.text, refused_words)) return unsupported(token.text);
            if (one_of(token.text, hidden_columns))
                return SqlError{sqlstate::undefined_column,
                                fmt::format("column \"{}\" does not exist", token.text)};
            if (token.text == "like") return like(at, end);
            if (token.text == "current_timestamp") {
                if (next_is(1, "(")) return unsupported("CURRENT_TIMESTAMP with a precision");
                ++at;
                return plain_now(at, end);
            }
            if ((token.text == "now" || token.text == "transaction_timestamp") && next_is(1, "(") &&
                next_is(2, ")")) {
                at += 3;
                return plain_now(at, end);
            }
            if (token.text == "current_user" || token.text == "session_user" || token.text == "user") {
                ++at;
                return std::string("understudy_current_user()");
            }
            if (token.text == "timestamp" || token.text == "timestamptz" || token.text == "date" ||
                token.text == "time")
                if (at + 1 < end && tokens_[at + 1].kind == TokenKind::string)
                    return unsupported("a typed literal");
            if (token.text == "cast" && next_is(1, "(")) return cast(at, end);
            if (token.text == "extract" && next_is(1, "(")) return extract(at, end);
            if (token.text == "date_part" && next_is(1, "(")) return unsupported("date_part");
            if (token.text == "grouping" || token.text == "cube" || token.text == "rollup")
                return unsupported(token.text);
            if (token.text == "public" && next_is(1, ".")) at += 2;
            if (at >= end) return syntax(token);
        }
        return name_or_call(at, end);
    }

    // A literal, a name a.b.c, a keyword, or a call f(…).
    SqlResult<std::string> name_or_call(std::size_t& at, std::size_t end) {
        const Token& token = tokens_[at];
        std::string text = to_sql(token);
        const bool name = token.kind == TokenKind::word || token.kind == TokenKind::quoted_identifier;
        ++at;
        while (name && at + 1 < end && tokens_[at].is(".")) {
            if (tokens_[at + 1].kind != TokenKind::word &&
                tokens_[at + 1].kind != TokenKind::quoted_identifier && !tokens_[at + 1].is("*"))
                return syntax(tokens_[at + 1]);
            if (one_of(tokens_[at + 1].text, hidden_columns))
                return SqlError{sqlstate::undefined_column,
                                fmt::format("column \"{}\" does not exist", tokens_[at + 1].text)};
            text += "." + to_sql(tokens_[at + 1]);
            at += 2;
        }
        const bool call = token.kind == TokenKind::word && at < end && tokens_[at].is("(") &&
                          !one_of(token.text, never_functions);
        if (!call) return text;
        auto arguments = primary(at, end);
        if (arguments.has_error()) return arguments.error();
        return text + *arguments;
    }

    SqlResult<std::string> parameter(std::size_t at) {
        const std::string& digits = tokens_[at].text;
        if (digits.size() > 6) return SqlError{"42P02", fmt::format("there is no parameter {}", digits)};
        const std::size_t number = std::stoul(digits.substr(1));
        if (number == 0 || number > max_parameters)
            return SqlError{"42P02", fmt::format("there is no parameter {}", digits)};
        if (parameters_.size() < number) parameters_.resize(number, SqlType::unknown);
        if (at + 1 < tokens_.size() && tokens_[at + 1].is("::"))
            if (auto type = read_type_name(tokens_, at + 2);
                type.has_value() && parameters_[number - 1] == SqlType::unknown)
                parameters_[number - 1] = type->type;
        return fmt::format("?{}", number);
    }

    SqlResult<std::string> symbol(std::size_t& at, std::size_t end) {
        const Token& token = tokens_[at];
        if (one_of(token.text, refused_symbols)) return unsupported(fmt::format("operator {}", token.text));
        // SQLite answers NULL where PostgreSQL reports a division by zero.
        if (token.is("/") || token.is("%")) {
            const bool by_number = at + 1 < end && tokens_[at + 1].kind == TokenKind::number &&
                                   tokens_[at + 1].text.find_first_not_of("0.eE") != std::string::npos;
            if (!by_number) return unsupported("division by anything but a number");
        }
        ++at;
        return token.text;
    }

    // PostgreSQL's LIKE escapes with a backslash unless told otherwise, SQLite's with nothing.
    SqlResult<std::string> like(std::size_t& at, std::size_t end) {
        std::size_t next = at + 1;
        if (next >= end) return syntax(tokens_[at]);
        const Token& pattern = tokens_[next];
        const bool simple = pattern.kind == TokenKind::string || pattern.kind == TokenKind::parameter;
        if (!simple || (next + 1 < end && (tokens_[next + 1].is("||") || tokens_[next + 1].is("::"))))
            return unsupported("LIKE with a computed pattern");
        auto text = primary(next, end);
        if (text.has_error()) return text.error();
        at = next;
        if (at < end && tokens_[at].is("escape")) return "LIKE " + *text;
        return "LIKE " + *text + " ESCAPE '\\'";
    }

    // Sums and differences of timestamps are known only inside EXTRACT.
    SqlResult<std::string> plain_now(std::size_t at, std::size_t end) {
        if (at < end && (tokens_[at].is("+") || tokens_[at].is("-")))
            return unsupported("timestamp arithmetic outside of EXTRACT(EPOCH FROM (a - b))");
        return std::string("understudy_now()");
    }

    SqlResult<std::string> cast(std::size_t& at, std::size_t end) {
        const std::size_t close = closing(tokens_, at + 1, end);
        const std::size_t as = find_word(tokens_, at + 2, close, {"as"});
        if (close == end || as == close) return syntax(tokens_[at]);
        auto type = read_type_name(tokens_, as + 1);
        if (type.has_error()) return type.error();
        if (as + 1 + type->tokens != close) return syntax(tokens_[as + 1 + type->tokens]);
        auto operand = run(at + 2, as);
        if (operand.has_error()) return operand.error();
        if (as == at + 3 && tokens_[at + 2].kind == TokenKind::parameter)
            parameters_[std::stoul(tokens_[at + 2].text.substr(1)) - 1] = type->type;
        at = close + 1;
        return wrap(*operand, *type);
    }

    SqlResult<std::string> wrap(const std::string& operand, const TypeName& type) {
        if (type.serial)
            return SqlError{sqlstate::undefined_object, "type \"serial\" does not exist in a cast"};
        if (type.length) return unsupported("a cast to varchar(n)");
        switch (type.type) {
            case SqlType::int2:
                return fmt::format("understudy_to_int2({})", operand);
            case SqlType::int4:
                return fmt::format("understudy_to_int4({})", operand);
            case SqlType::int8:
                return fmt::format("understudy_to_int8({})", operand);
            case SqlType::float8:
                return fmt::format("understudy_to_float8({})", operand);
            case SqlType::boolean:
                return fmt::format("understudy_to_boolean({})", operand);
            case SqlType::bytea:
                return fmt::format("understudy_to_bytea({})", operand);
            case SqlType::timestamp:
                return fmt::format("understudy_to_timestamp({})", operand);
            case SqlType::timestamptz:
                return fmt::format("understudy_to_timestamptz({})", operand);
            default:
                return fmt::format("understudy_to_text({})", operand);
        }
    }

    // EXTRACT(EPOCH FROM (a - b)) and EXTRACT(EPOCH FROM a).
    SqlResult<std::string> extract(std::size_t& at, std::size_t end) {
        const std::size_t close = closing(tokens_, at + 1, end);
        if (close == end || at + 4 >= close || !tokens_[at + 3].is("from")) return syntax(tokens_[at]);
        if (!tokens_[at + 2].is("epoch"))
            return unsupported(fmt::format("EXTRACT({} …)", tokens_[at + 2].text));
        std::size_t first = at + 4, last = close;
        while (tokens_[first].is("(") && closing(tokens_, first, last) == last - 1 && first + 1 < last - 1) {
            ++first;
            --last;
        }
        std::size_t minus = last;
        int depth = 0;
        for (std::size_t i = first; i < last; ++i) {
            if (tokens_[i].is("(")) ++depth;
            if (tokens_[i].is(")")) --depth;
            if (depth > 0 || tokens_[i].kind != TokenKind::symbol) continue;
            if (tokens_[i].is("-") && minus == last && i > first)
                minus = i;
            else if (tokens_[i].is("-") || tokens_[i].is("+") || tokens_[i].is("*"))
                return unsupported("EXTRACT(EPOCH FROM …) of more than one difference");
        }
        at = close + 1;
        auto left = run_operand(first, minus);
        if (left.has_error()) return left.error();
        if (minus == last) return fmt::format("understudy_epoch({})", *left);
        auto right = run_operand(minus + 1, last);
        if (right.has_error()) return right.error();
        return fmt::format("understudy_epoch_difference({}, {})", *left, *right);
    }

    SqlResult<std::string> run_operand(std::size_t begin, std::size_t end) {
        if (begin >= end)
            return SqlError{sqlstate::syntax_error, "syntax error: an operand is missing in EXTRACT"};
        return run(begin, end);
    }

    const std::vector<Token>& tokens_;
    std::vector<SqlType>& parameters_;
    int depth_ = 0;
};

}  // namespace

std::size_t closing(const std::vector<Token>& tokens, std::size_t open, std::size_t end) {
    int depth = 0;
    for (std::size_t i = open; i < end; ++i) {
        if (tokens[i].is("(")) ++depth;
        if (tokens[i].is(")") && --depth == 0) return i;
    }
    return end;
}

std::size_t find_word(const std::vector<Token>& tokens, std::size_t begin, std::size_t end,
                      std::initializer_list<std::string_view> words) {
    int depth = 0;
    for (std::size_t i = begin; i < end; ++i) {
        if (tokens[i].is("(")) ++depth;
        if (tokens[i].is(")")) --depth;
        if (depth != 0 || tokens[i].kind != TokenKind::word) continue;
        for (const auto word : words)
            if (tokens[i].text == word) return i;
    }
    return end;
}

SqlResult<std::string> rewrite(const std::vector<Token>& tokens, std::size_t begin, std::size_t end,
                               std::vector<SqlType>& parameters) {
    return Rewriter(tokens, parameters).run(begin, end);
}

}  // namespace understudy::database
