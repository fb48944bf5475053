// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/dialect.hpp"

#include <fmt/format.h>

#include <set>

#include "storage/database/core/expressions.hpp"

namespace understudy::database {
namespace {

using Tokens = std::vector<Token>;

SqlError syntax(const Tokens& tokens, std::size_t at) {
    if (at >= tokens.size()) return {sqlstate::syntax_error, "syntax error at end of input"};
    return {sqlstate::syntax_error, fmt::format("syntax error at or near \"{}\"", tokens[at].text)};
}
bool is(const Tokens& tokens, std::size_t at, std::string_view text) {
    return at < tokens.size() && tokens[at].is(text);
}
bool is_name(const Tokens& tokens, std::size_t at) {
    return at < tokens.size() &&
           (tokens[at].kind == TokenKind::word || tokens[at].kind == TokenKind::quoted_identifier);
}

// The type that an expression's text shows without knowing any table.
std::optional<SqlType> shown_type(const Tokens& tokens, std::size_t begin, std::size_t end) {
    while (begin + 1 < end && tokens[begin].is("(") && closing(tokens, begin, end) == end - 1) {
        ++begin;
        --end;
    }
    const bool is_case = tokens[begin].is("case");
    if (!is_case && tokens[begin].is("not")) return SqlType::boolean;
    if (!is_case && tokens[begin].is("exists")) return SqlType::boolean;
    int depth = 0;
    if (!is_case && !tokens[begin].is("select"))
        for (std::size_t i = begin; i < end; ++i) {
            if (tokens[i].is("(")) ++depth;
            if (tokens[i].is(")")) --depth;
            if (depth != 0) continue;
            for (const std::string_view test :
                 {"=", "<", ">", "<=", ">=", "<>", "!=", "is", "in", "like", "between", "and", "or"})
                if (tokens[i].is(test)) return SqlType::boolean;
        }
    // The outermost cast, when nothing follows it.
    depth = 0;
    for (std::size_t i = end; i-- > begin;) {
        if (tokens[i].is(")")) ++depth;
        if (tokens[i].is("(")) --depth;
        if (depth != 0 || !tokens[i].is("::")) continue;
        const auto type = read_type_name(tokens, i + 1);
        if (type.has_value() && i + 1 + type->tokens == end) return type->type;
        break;
    }
    if (end - begin == 1) {
        if (tokens[begin].kind == TokenKind::number)
            return tokens[begin].text.find_first_of(".eE") != std::string::npos ? SqlType::numeric
                   : tokens[begin].text.size() > 9                              ? SqlType::int8
                                                                                : SqlType::int4;
        if (tokens[begin].kind == TokenKind::string) return SqlType::text;
        if (tokens[begin].is("true") || tokens[begin].is("false")) return SqlType::boolean;
        if (tokens[begin].is("current_timestamp")) return SqlType::timestamptz;
    }
    if (end - begin >= 3 && tokens[begin + 1].is("(") && closing(tokens, begin + 1, end) == end - 1) {
        const std::string& function = tokens[begin].text;
        if (function == "count") return SqlType::int8;
        if (function == "extract") return SqlType::numeric;
        if (function == "now" || function == "transaction_timestamp" || function == "clock_timestamp")
            return SqlType::timestamptz;
        if (function == "cast") {
            const std::size_t as = find_word(tokens, begin + 2, end - 1, {"as"});
            if (auto type = read_type_name(tokens, as + 1); as < end - 1 && type.has_value())
                return type->type;
        }
        // These give back one of their arguments: a boolean or a timestamp has to be shown as such.
        if (function == "max" || function == "min" || function == "coalesce" || function == "nullif")
            if (const auto inner =
                    shown_type(tokens, begin + 2, find_word(tokens, begin + 2, end - 1, {",", "from"}));
                inner && *inner != SqlType::text)
                return inner;
    }
    return std::nullopt;
}

ColumnHint hint_for(const Tokens& tokens, std::size_t begin, std::size_t end) {
    ColumnHint hint;
    if (begin >= end) return hint;
    if (tokens[end - 1].is("*") && (end - begin == 1 || tokens[end - 2].is("."))) {
        hint.star = true;
        return hint;
    }
    std::size_t expression_end = end;
    if (end - begin >= 3 && tokens[end - 2].is("as")) {
        hint.name = tokens[end - 1].text;
        expression_end = end - 2;
    } else if (end - begin >= 2 && is_name(tokens, end - 1) && tokens[end - 2].kind != TokenKind::symbol &&
               !tokens[end - 1].is("end") && !tokens[end - 1].is("null") &&
               tokens[end - 2].kind != TokenKind::word) {
        hint.name = tokens[end - 1].text;
        expression_end = end - 1;
    } else if (end - begin >= 2 && is_name(tokens, end - 1) && tokens[end - 2].is(")")) {
        hint.name = tokens[end - 1].text;
        expression_end = end - 1;
    }
    hint.type = shown_type(tokens, begin, expression_end);
    if (!hint.name.empty()) return hint;
    const bool column =
        is_name(tokens, begin) && (end - begin == 1 || (tokens[begin + 1].is(".") && end - begin <= 5));
    if (column && !tokens[begin].is("current_timestamp") && !tokens[begin].is("true") &&
        !tokens[begin].is("false") && !tokens[begin].is("null") && !tokens[begin].is("current_user") &&
        !tokens[begin].is("session_user")) {
        hint.name = tokens[end - 1].text;
        return hint;
    }
    if (tokens[begin].kind == TokenKind::word && end - begin >= 3 && tokens[begin + 1].is("(") &&
        closing(tokens, begin + 1, end) != end)
        hint.name = tokens[begin].text;
    else if (is(tokens, begin, "current_timestamp") || is(tokens, begin, "current_user") ||
             is(tokens, begin, "session_user"))
        hint.name = tokens[begin].text;
    else if (is(tokens, begin, "case"))
        hint.name = "case";
    else if (is(tokens, begin, "true") || is(tokens, begin, "false"))
        hint.name = "bool";
    else if (hint.type && find_word(tokens, begin, end, {"::"}) == end && end - begin >= 3 &&
             is_name(tokens, begin) && tokens[begin + 1].is("::"))
        hint.name = tokens[begin].text;
    else
        hint.name = "?column?";
    return hint;
}

std::vector<ColumnHint> hints_for(const Tokens& tokens, std::size_t begin, std::size_t end) {
    std::vector<ColumnHint> hints;
    int depth = 0;
    std::size_t item = begin;
    for (std::size_t i = begin; i <= end; ++i) {
        if (i < end && tokens[i].is("(")) ++depth;
        if (i < end && tokens[i].is(")")) --depth;
        if (i == end || (depth == 0 && tokens[i].is(","))) {
            hints.push_back(hint_for(tokens, item, i));
            item = i + 1;
        }
    }
    return hints;
}

// Column names are folded, constraints rewritten, and checks added that keep other types' values out.
class TableDefinition {
  public:
    explicit TableDefinition(const Tokens& tokens) : tokens_(tokens) {}

    SqlResult<std::string> run() {
        std::size_t at = 2;
        std::string sql = "CREATE TABLE ";
        if (is(tokens_, at, "if") && is(tokens_, at + 1, "not") && is(tokens_, at + 2, "exists")) {
            sql += "IF NOT EXISTS ";
            at += 3;
        }
        if (is(tokens_, at, "public") && is(tokens_, at + 1, ".")) at += 2;
        if (!is_name(tokens_, at)) return syntax(tokens_, at);
        sql += to_sql(tokens_[at++]);
        if (!is(tokens_, at, "("))
            return is(tokens_, at, "as") ? unsupported("CREATE TABLE AS") : syntax(tokens_, at);
        const std::size_t close = closing(tokens_, at, tokens_.size());
        if (close + 1 != tokens_.size())
            return close == tokens_.size() ? syntax(tokens_, close) : syntax(tokens_, close + 1);
        find_key_columns(at + 1, close);
        std::string items;
        std::size_t item = at + 1;
        int depth = 0;
        for (std::size_t i = item; i <= close; ++i) {
            if (tokens_[i].is("(")) ++depth;
            if (tokens_[i].is(")") && i < close) --depth;
            if (i < close && (depth != 0 || !tokens_[i].is(","))) continue;
            auto text = one(item, i);
            if (text.has_error()) return text.error();
            if (!items.empty()) items += ", ";
            items += *text;
            item = i + 1;
        }
        return sql + " (" + items + ")";
    }

  private:
    static bool is_table_constraint(const Token& token) {
        for (const std::string_view word :
             {"primary", "unique", "foreign", "check", "constraint", "exclude", "like"})
            if (token.is(word)) return true;
        return false;
    }

    // In PostgreSQL a primary key's columns are not null; SQLite, for old times' sake, lets them be.
    void find_key_columns(std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i + 2 < end; ++i)
            if (tokens_[i].is("primary") && tokens_[i + 1].is("key") && tokens_[i + 2].is("("))
                for (std::size_t j = i + 3; j < end && !tokens_[j].is(")"); ++j)
                    if (is_name(tokens_, j)) key_columns_.insert(tokens_[j].text);
    }

    SqlResult<std::string> one(std::size_t begin, std::size_t end) {
        if (begin >= end) return syntax(tokens_, end);
        std::vector<SqlType> none;
        if (is_table_constraint(tokens_[begin])) {
            if (tokens_[begin].is("exclude") || tokens_[begin].is("like"))
                return unsupported(tokens_[begin].text);
            return rewrite(tokens_, begin, end, none);
        }
        if (!is_name(tokens_, begin)) return syntax(tokens_, begin);
        const std::string quoted = to_sql(tokens_[begin]);
        const std::string& name = tokens_[begin].text;
        auto read = read_type_name(tokens_, begin + 1);
        if (read.has_error()) return read.error();
        TypeName type = *read;
        Tokens rest(tokens_.begin() + static_cast<std::ptrdiff_t>(begin + 1 + type.tokens),
                    tokens_.begin() + static_cast<std::ptrdiff_t>(end));
        if (auto error = take_identity(rest, type)) return *error;
        std::string sql = quoted + " " + declared_type(type.type, type.serial);
        if (type.serial) {
            std::size_t key = find_word(rest, 0, rest.size(), {"primary"});
            if (key == rest.size() || !is(rest, key + 1, "key"))
                return unsupported(
                    fmt::format("an identity column (\"{}\") without PRIMARY KEY beside it", name));
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(key),
                       rest.begin() + static_cast<std::ptrdiff_t>(key + 2));
            sql += " PRIMARY KEY AUTOINCREMENT";
        }
        const std::size_t not_word = find_word(rest, 0, rest.size(), {"not"});
        const bool not_null = is(rest, not_word, "not") && is(rest, not_word + 1, "null");
        const bool key =
            find_word(rest, 0, rest.size(), {"primary"}) < rest.size() || key_columns_.contains(name);
        if (key && !not_null && !type.serial) sql += " NOT NULL";
        auto constraints = column_constraints(rest);
        if (constraints.has_error()) return constraints.error();
        return sql + *constraints + (type.serial ? std::string() : column_checks(quoted, name, type));
    }

    // GENERATED … AS IDENTITY
    static std::optional<SqlError> take_identity(Tokens& rest, TypeName& type) {
        const std::size_t at = find_word(rest, 0, rest.size(), {"generated"});
        if (at == rest.size()) return std::nullopt;
        std::size_t end = at + 1;
        if (is(rest, end, "always"))
            ++end;
        else if (is(rest, end, "by") && is(rest, end + 1, "default"))
            end += 2;
        if (!is(rest, end, "as") || !is(rest, end + 1, "identity")) return unsupported("a generated column");
        end += 2;
        if (is(rest, end, "(")) return unsupported("identity with sequence options");
        if (type.type != SqlType::int8 && type.type != SqlType::int4)
            return unsupported("identity of this type");
        type.serial = true;
        rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at),
                   rest.begin() + static_cast<std::ptrdiff_t>(end));
        return std::nullopt;
    }

    // DEFAULT's expression needs parentheses in SQLite unless it is a literal.
    static SqlResult<std::string> column_constraints(const Tokens& rest) {
        std::string sql;
        std::vector<SqlType> none;
        for (std::size_t at = 0; at < rest.size();) {
            const std::size_t next = find_word(
                rest, at + 1, rest.size(),
                {"default", "not", "null", "primary", "unique", "check", "references", "constraint"});
            const bool is_default = rest[at].is("default");
            // "DEFAULT NULL" and "ON DELETE SET NULL": the word belongs to what stands before it.
            std::size_t end = next;
            if (next < rest.size() && rest[next].is("null") && (next == at + 1 || rest[next - 1].is("set")))
                end = next + 1;
            auto text = rewrite(rest, is_default ? at + 1 : at, end, none);
            if (text.has_error()) return text.error();
            sql += is_default ? " DEFAULT (" + *text + ")" : " " + *text;
            at = end;
        }
        return sql;
    }

    const Tokens& tokens_;
    std::set<std::string> key_columns_;
};

SqlResult<Statement> transaction_statement(const Tokens& tokens) {
    Statement statement;
    const std::string& first = tokens[0].text;
    std::size_t at = 1;
    const bool start = first == "start";
    if (start && !is(tokens, at, "transaction")) return syntax(tokens, at);
    if (is(tokens, at, "work") || is(tokens, at, "transaction")) ++at;
    if (first == "begin" || start) {
        statement.kind = StatementKind::begin;
        statement.tag = start ? "START TRANSACTION" : "BEGIN";
        // Every transaction here is serializable, so any level asked for is given.
        while (at < tokens.size()) {
            if (is(tokens, at, ","))
                ++at;
            else if (is(tokens, at, "isolation") && is(tokens, at + 1, "level") &&
                     is(tokens, at + 2, "serializable"))
                at += 3;
            else if (is(tokens, at, "isolation") && is(tokens, at + 1, "level") &&
                     (is(tokens, at + 2, "repeatable") || is(tokens, at + 2, "read")) &&
                     at + 3 < tokens.size())
                at += 4;
            else if (is(tokens, at, "read") && (is(tokens, at + 1, "only") || is(tokens, at + 1, "write"))) {
                statement.read_only = is(tokens, at + 1, "only");
                at += 2;
            } else
                return syntax(tokens, at);
        }
        return statement;
    }
    if (first == "savepoint" || first == "release") {
        statement.kind = first == "release" ? StatementKind::release : StatementKind::savepoint;
        statement.tag = first == "release" ? "RELEASE" : "SAVEPOINT";
        if (first == "release" && is(tokens, at, "savepoint")) ++at;
        if (!is_name(tokens, at) || at + 1 != tokens.size()) return syntax(tokens, at);
        statement.name = tokens[at].text;
        return statement;
    }
    const bool commits = first == "commit" || first == "end";
    statement.kind = commits ? StatementKind::commit : StatementKind::rollback;
    statement.tag = commits ? "COMMIT" : "ROLLBACK";
    if (first == "rollback" && is(tokens, at, "to")) {
        ++at;
        if (is(tokens, at, "savepoint")) ++at;
        if (!is_name(tokens, at) || at + 1 != tokens.size()) return syntax(tokens, at);
        statement.kind = StatementKind::rollback_to;
        statement.name = tokens[at].text;
        return statement;
    }
    if (is(tokens, at, "prepared")) return unsupported("two-phase commit");
    if (at != tokens.size()) return syntax(tokens, at);
    return statement;
}

SqlResult<Statement> setting_statement(const Tokens& tokens) {
    Statement statement;
    std::size_t at = 1;
    const bool show = tokens[0].is("show");
    statement.kind = show ? StatementKind::show : StatementKind::set;
    statement.tag = show ? "SHOW" : "SET";
    if (!show && (is(tokens, at, "session") || is(tokens, at, "local")) &&
        !is(tokens, at + 1, "authorization"))
        ++at;
    if (is(tokens, at, "characteristics") || is(tokens, at, "transaction")) {
        // Accepted: transactions are always serializable.
        if (show && is(tokens, at + 1, "isolation") && at + 3 == tokens.size()) {
            statement.name = "transaction_isolation";
            return statement;
        }
        for (std::size_t i = at; i + 1 < tokens.size(); ++i)
            if (is(tokens, i, "read") && is(tokens, i + 1, "only"))
                return unsupported("SET TRANSACTION READ ONLY");
        statement.name = "transaction_isolation";
        statement.value = "serializable";
        return statement;
    }
    if (is(tokens, at, "time") && is(tokens, at + 1, "zone")) {
        statement.name = "timezone";
        at += 2;
    } else {
        if (!is_name(tokens, at)) return syntax(tokens, at);
        statement.name = tokens[at++].text;
        if (!show && !is(tokens, at, "to") && !is(tokens, at, "=")) return syntax(tokens, at);
        if (!show) ++at;
    }
    if (show != (at == tokens.size())) return syntax(tokens, at);
    for (; at < tokens.size(); ++at) statement.value += tokens[at].text;
    return statement;
}

SqlResult<Statement> data_statement(const Tokens& tokens) {
    Statement statement;
    std::size_t end = tokens.size();
    std::size_t verb = 0;
    if (tokens[0].is("with")) {
        verb = find_word(tokens, 1, end, {"select", "insert", "update", "delete", "values"});
        // SQLite runs only queries in WITH, PostgreSQL also writes.
        for (std::size_t i = 1; i < verb; ++i)
            if (tokens[i].is("insert") || tokens[i].is("update") || tokens[i].is("delete"))
                return unsupported("a data-modifying WITH");
        if (verb == end) return syntax(tokens, end);
    }
    const std::string& word = tokens[verb].text;
    if (word == "select" || word == "values") {
        statement.kind = StatementKind::select;
        statement.tag = "SELECT";
        // FOR UPDATE needs nothing more: a transaction holds the only write lock from its BEGIN on.
        const std::size_t locking = find_word(tokens, verb, end, {"for"});
        if (locking < end) {
            for (std::size_t i = locking; i < end; ++i)
                if (tokens[i].is("skip")) return unsupported("SKIP LOCKED");
            if (!is(tokens, locking + 1, "update") && !is(tokens, locking + 1, "share") &&
                !is(tokens, locking + 1, "no") && !is(tokens, locking + 1, "key"))
                return syntax(tokens, locking + 1);
            end = locking;
        }
        if (const std::size_t into = find_word(tokens, verb, end, {"into"}); into < end)
            return unsupported("SELECT INTO");
    } else if (word == "insert") {
        if (!is(tokens, verb + 1, "into")) return syntax(tokens, verb + 1);
        statement.kind = StatementKind::insert;
        statement.tag = "INSERT 0";
    } else if (word == "update") {
        if (is(tokens, verb + 1, "or")) return syntax(tokens, verb + 1);
        statement.kind = StatementKind::update;
        statement.tag = "UPDATE";
    } else if (word == "delete") {
        statement.kind = StatementKind::remove;
        statement.tag = "DELETE";
        if (find_word(tokens, verb, end, {"using"}) < end) return unsupported("DELETE USING");
    } else {
        return syntax(tokens, verb);
    }
    statement.counts_rows = true;
    auto sql = rewrite(tokens, 0, end, statement.parameters);
    if (sql.has_error()) return sql.error();
    statement.sql = std::move(*sql);
    std::size_t list = verb + 1;
    if (word == "select") {
        if (is(tokens, list, "distinct") && is(tokens, list + 1, "on")) return unsupported("DISTINCT ON");
        if (is(tokens, list, "distinct") || is(tokens, list, "all")) ++list;
    } else {
        list = word == "values" ? end : std::min(find_word(tokens, verb, end, {"returning"}) + 1, end);
    }
    if (list < end) {
        const std::size_t list_end = find_word(
            tokens, list, end,
            {"from", "where", "group", "having", "order", "limit", "offset", "union", "except", "intersect"});
        statement.columns = hints_for(tokens, list, list_end);
    }
    return statement;
}

SqlResult<Statement> definition_statement(const Tokens& tokens) {
    Statement statement;
    statement.kind = StatementKind::definition;
    const bool create = tokens[0].is("create");
    std::size_t at = 1;
    if (create && is(tokens, at, "table")) {
        auto sql = TableDefinition(tokens).run();
        if (sql.has_error()) return sql.error();
        statement.sql = std::move(*sql);
        statement.tag = "CREATE TABLE";
        return statement;
    }
    if (create && is(tokens, at, "unique")) ++at;
    const bool table = !create && is(tokens, at, "table");
    if (!table && !is(tokens, at, "index"))
        return unsupported(
            fmt::format("{} {}", create ? "CREATE" : "DROP", at < tokens.size() ? tokens[at].text : ""));
    auto sql = rewrite(tokens, 0, tokens.size(), statement.parameters);
    if (sql.has_error()) return sql.error();
    statement.sql = std::move(*sql);
    statement.tag = fmt::format("{} {}", create ? "CREATE" : "DROP", table ? "TABLE" : "INDEX");
    return statement;
}

}  // namespace

SqlResult<Statement> translate(const Tokens& tokens) {
    if (tokens.empty() || tokens[0].kind != TokenKind::word) return syntax(tokens, 0);
    int depth = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].is("(")) ++depth;
        if (tokens[i].is(")") && --depth < 0) return syntax(tokens, i);
    }
    const std::string& first = tokens[0].text;
    for (const std::string_view word :
         {"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"})
        if (first == word) return transaction_statement(tokens);
    if (first == "set" || first == "show") return setting_statement(tokens);
    for (const std::string_view word : {"select", "values", "with", "insert", "update", "delete"})
        if (first == word) return data_statement(tokens);
    if (first == "create" || first == "drop") return definition_statement(tokens);
    for (const std::string_view word :
         {"alter",      "truncate", "copy",    "explain", "analyze",    "vacuum",   "grant",   "revoke",
          "comment",    "lock",     "declare", "fetch",   "move",       "close",    "prepare", "execute",
          "deallocate", "discard",  "reset",   "listen",  "notify",     "unlisten", "do",      "call",
          "merge",      "refresh",  "reindex", "cluster", "checkpoint", "table"})
        if (first == word) return unsupported(first);
    return syntax(tokens, 0);
}

}  // namespace understudy::database
