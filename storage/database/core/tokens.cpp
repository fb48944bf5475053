// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/tokens.hpp"

#include <fmt/format.h>

#include <optional>

namespace understudy::database {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool starts_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) {
    return starts_word(c) || is_digit(c) || c == '$';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

SqlError unterminated(const char* what, std::size_t offset) {
    return {
        sqlstate::syntax_error, fmt::format("unterminated {} at character {}", what, offset + 1), {}, false};
}

class Tokenizer {
  public:
    explicit Tokenizer(std::string_view sql) : sql_(sql) {}

    SqlResult<std::vector<Token>> run() {
        while (true) {
            if (auto error = skip_blank()) return *error;
            if (at_ >= sql_.size()) return std::move(tokens_);
            if (auto error = one()) return *error;
        }
    }

  private:
    char peek(std::size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

    std::optional<SqlError> skip_blank() {
        while (at_ < sql_.size()) {
            if (is_space(sql_[at_])) {
                ++at_;
            } else if (peek() == '-' && peek(1) == '-') {
                while (at_ < sql_.size() && sql_[at_] != '\n') ++at_;
            } else if (peek() == '/' && peek(1) == '*') {
                const std::size_t start = at_;
                std::size_t depth = 0;  // PostgreSQL's comments nest
                do {
                    if (at_ >= sql_.size()) return unterminated("/* comment", start);
                    if (peek() == '/' && peek(1) == '*') {
                        ++depth;
                        at_ += 2;
                    } else if (peek() == '*' && peek(1) == '/') {
                        --depth;
                        at_ += 2;
                    } else {
                        ++at_;
                    }
                } while (depth > 0);
            } else {
                break;
            }
        }
        return std::nullopt;
    }

    std::optional<SqlError> one() {
        const char c = peek();
        const std::size_t start = at_;
        if (c == '\0') return SqlError{sqlstate::syntax_error, "a zero byte in the statement", {}, false};
        if (c == '\'') return quoted('\'', TokenKind::string, "quoted string");
        if (c == '"') return quoted('"', TokenKind::quoted_identifier, "quoted identifier");
        if ((c == 'e' || c == 'E' || c == 'b' || c == 'B' || c == 'x' || c == 'X' || c == 'n' || c == 'N') &&
            peek(1) == '\'')
            return SqlError{sqlstate::feature_not_supported,
                            fmt::format("{}'…' strings are not supported", c),
                            {},
                            false};
        if (starts_word(c)) {
            while (continues_word(peek()) && at_ < sql_.size()) ++at_;
            std::string word(sql_.substr(start, at_ - start));
            for (auto& letter : word) letter = lower(letter);
            add(TokenKind::word, std::move(word), start);
            return std::nullopt;
        }
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
        if (c == '$' && is_digit(peek(1))) {
            ++at_;
            while (is_digit(peek())) ++at_;
            add(TokenKind::parameter, std::string(sql_.substr(start, at_ - start)), start);
            return std::nullopt;
        }
        if (c == '$') return dollar_quoted();
        return symbol();
    }

    std::optional<SqlError> quoted(char quote, TokenKind kind, const char* what) {
        const std::size_t start = at_++;
        std::string text;
        while (true) {
            if (at_ >= sql_.size()) return unterminated(what, start);
            if (sql_[at_] == quote) {
                if (peek(1) != quote) break;
                ++at_;
            }
            text += sql_[at_++];
        }
        ++at_;
        if (text.find('\0') != std::string::npos)
            return SqlError{sqlstate::syntax_error, "a zero byte in the statement", {}, false};
        add(kind, std::move(text), start);
        return std::nullopt;
    }

    std::optional<SqlError> dollar_quoted() {
        const std::size_t start = at_;
        std::size_t end = at_ + 1;
        while (end < sql_.size() && continues_word(sql_[end]) && sql_[end] != '$') ++end;
        if (end >= sql_.size() || sql_[end] != '$')
            return SqlError{sqlstate::syntax_error,
                            fmt::format("syntax error at or near \"$\" at character {}", start + 1),
                            {},
                            false};
        const std::string_view mark = sql_.substr(start, end + 1 - start);
        const auto close = sql_.find(mark, end + 1);
        if (close == std::string_view::npos) return unterminated("dollar-quoted string", start);
        add(TokenKind::string, std::string(sql_.substr(end + 1, close - end - 1)), start);
        at_ = close + mark.size();
        return std::nullopt;
    }

    std::optional<SqlError> number() {
        const std::size_t start = at_;
        while (is_digit(peek())) ++at_;
        if (peek() == '.') {
            ++at_;
            while (is_digit(peek())) ++at_;
        }
        if ((peek() == 'e' || peek() == 'E') &&
            (is_digit(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && is_digit(peek(2))))) {
            at_ += 2;
            while (is_digit(peek())) ++at_;
        }
        if (starts_word(peek()))
            return SqlError{sqlstate::syntax_error,
                            fmt::format("trailing junk after numeric literal at character {}", start + 1),
                            {},
                            false};
        add(TokenKind::number, std::string(sql_.substr(start, at_ - start)), start);
        return std::nullopt;
    }

    std::optional<SqlError> symbol() {
        const std::size_t start = at_;
        for (const std::string_view two :
             {"::", "<=", ">=", "<>", "!=", "||", "->", "=>", "!~", "~*", "<<", ">>", "&&", "@>", "<@"})
            if (sql_.substr(at_, 2) == two) {
                at_ += 2;
                add(TokenKind::symbol, std::string(two), start);
                return std::nullopt;
            }
        constexpr std::string_view known = "()[],;.+-*/%<>=:~!|&^#@?";
        if (known.find(peek()) == std::string_view::npos)
            return SqlError{
                sqlstate::syntax_error, fmt::format("syntax error at or near \"{}\"", peek()), {}, false};
        ++at_;
        add(TokenKind::symbol, std::string(1, sql_[start]), start);
        return std::nullopt;
    }

    void add(TokenKind kind, std::string text, std::size_t offset) {
        tokens_.push_back({kind, std::move(text), offset});
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    std::vector<Token> tokens_;
};

std::string quote(const std::string& text, char mark) {
    std::string quoted(1, mark);
    for (const char c : text) {
        if (c == mark) quoted += mark;
        quoted += c;
    }
    return quoted + mark;
}

}  // namespace

SqlResult<std::vector<Token>> tokenize(std::string_view sql) {
    return Tokenizer(sql).run();
}

std::vector<std::vector<Token>> split_statements(const std::vector<Token>& tokens) {
    std::vector<std::vector<Token>> statements(1);
    for (const auto& token : tokens) {
        if (token.is(";")) {
            if (!statements.back().empty()) statements.emplace_back();
        } else {
            statements.back().push_back(token);
        }
    }
    if (statements.back().empty()) statements.pop_back();
    return statements;
}

std::string to_sql(const Token& token) {
    if (token.kind == TokenKind::string) return quote(token.text, '\'');
    if (token.kind == TokenKind::quoted_identifier) return quote(token.text, '"');
    // SQLite takes $name for a named parameter; ?n is the numbered one.
    if (token.kind == TokenKind::parameter) return "?" + token.text.substr(1);
    return token.text;
}

std::string to_sql(const std::vector<Token>& tokens) {
    std::string sql;
    for (const auto& token : tokens) {
        if (!sql.empty()) sql += ' ';
        sql += to_sql(token);
    }
    return sql;
}

}  // namespace understudy::database
