// SPDX-License-Identifier: Apache-2.0
// The translation of one statement (translate.hpp): what its parts share. The first error stays and the rest
// is translated for nothing, so no part has to hand errors on. Not for use outside of this folder.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/database/core/value_forms.hpp"
#include "storage/database/sql/catalog.hpp"
#include "storage/database/sql/expression.hpp"
#include "storage/database/sql/expression_place.hpp"
#include "storage/database/sql/parse_tree.hpp"
#include "storage/database/sql/scope.hpp"
#include "storage/database/sql/statement.hpp"

namespace understudy::database {

struct SequenceRules {
    SqlType type = SqlType::int8;
    std::int64_t start = 1, increment = 1;
    std::int64_t least = 1, greatest = std::numeric_limits<std::int64_t>::max();
    bool cycle = false;
};

enum class CastContext { implicit, assignment, explicitly };

class Translator {
  public:
    Translator(const Catalog& catalog, const std::vector<SqlType>& declared)
        : catalog_(catalog), parameters_(declared) {}

    SqlResult<Statement> run(const PgQuery__Node& node);

  private:
    // expressions.cpp
    Expression expression(const PgQuery__Node* node, Scope& scope);
    Expression expression_inside(const PgQuery__Node& node, Scope& scope);
    Expression constant(const PgQuery__AConst& constant);
    Expression parameter(int number);
    Expression column(const PgQuery__ColumnRef& reference, Scope& scope);
    Expression boolean_expression(const PgQuery__BoolExpr& node, Scope& scope);
    Expression case_expression(const PgQuery__CaseExpr& node, Scope& scope);
    Expression sub_link(const PgQuery__SubLink& node, Scope& scope);
    Expression value_function(const PgQuery__SQLValueFunction& node);
    Expression condition(const PgQuery__Node* node, Scope& scope, const char* where);
    Expression expression_at(const ExpressionPlace& where, const PgQuery__Node* node, Scope& scope);
    Expression condition_at(const ExpressionPlace& where, const PgQuery__Node* node, Scope& scope,
                            const char* clause);
    std::vector<Expression> expressions(PgQuery__Node* const* nodes, std::size_t count, Scope& scope);

    // operators.cpp and arithmetic.cpp
    Expression operation(const PgQuery__AExpr& node, Scope& scope);
    Expression binary(const std::string& name, Expression left, Expression right);
    Expression binary_at(int location, const std::string& name, Expression left, Expression right);
    Expression unary(const std::string& name, Expression operand);
    Expression comparison(const std::string& name, Expression left, Expression right);
    Expression arithmetic(const std::string& name, Expression left, Expression right);
    std::optional<Expression> moment_arithmetic(const std::string& name, const Expression& left,
                                                const Expression& right);
    Expression no_operator(const std::string& name, const Expression& left, const Expression& right);
    int operator_location_ = -1;
    Expression in_list(const PgQuery__AExpr& node, Scope& scope);
    Expression row_comparison(const std::string& name, const PgQuery__RowExpr& left,
                              const PgQuery__RowExpr& right, Scope& scope);

    // casts.cpp
    Expression cast(Expression value, Type to, CastContext context);
    Expression cast_node(const PgQuery__TypeCast& node, Scope& scope);
    Type type_of(const PgQuery__TypeName& name, bool* serial = nullptr);
    Type common_type(const std::vector<Expression>& values, const char* what);
    Expression settled(Expression value);  // an undecided one becomes text
    static bool castable(SqlType from, SqlType to, CastContext context);

    // arrays.cpp
    Expression array_expression(const PgQuery__AArrayExpr& node, Scope& scope,
                                std::optional<Type> wanted = {});
    Expression subscript(const PgQuery__AIndirection& node, Scope& scope);
    Expression any_or_all(const PgQuery__AExpr& node, Scope& scope);
    // Whether `name` holds between a value and some, or every, one of the rows of `source`.
    Expression quantified(const std::string& name, bool every, Expression left, Expression element,
                          const std::string& source);
    std::optional<Expression> array_operation(const std::string& name, Expression& left, Expression& right);
    std::optional<Expression> array_call(const std::string& name, std::vector<Expression>& arguments);
    std::string unnest(const PgQuery__RangeFunction& node, const PgQuery__FuncCall& call, Scope& scope);
    Expression array_or(Expression value, SqlType otherwise);

    // calls.cpp
    Expression call(const PgQuery__FuncCall& node, Scope& scope);
    Expression aggregate(const std::string& name, const PgQuery__FuncCall& node, Scope& scope);
    std::string aggregate_order(const PgQuery__FuncCall& node, Scope& scope,
                                const std::vector<Expression>& arguments, std::string& keys);
    std::string window(const PgQuery__WindowDef& node, Scope& scope);
    std::string window_definition(const PgQuery__WindowDef& node, Scope& scope);
    Expression extract(const PgQuery__FuncCall& node, Scope& scope, bool exact);

    // select.cpp, sort_keys.cpp and set_operations.cpp
    struct Target {
        Expression value;
        std::string name;
    };
    // keep_undecided: literals of unknown type stay so, as text, for a UNION or INSERT to convert.
    Relation select(const PgQuery__SelectStmt& node, Scope* outer, const std::vector<std::string>& names = {},
                    bool keep_undecided = false);
    Relation plain_select(const PgQuery__SelectStmt& node, Scope* outer,
                          const std::vector<std::string>& names, bool keep_undecided);
    static void add_column(Relation& relation, const std::string& name, Type type);
    static Expression result_column(const Relation& relation, std::size_t index);
    static Relation empty_relation(const std::vector<Target>& targets, const std::vector<std::string>& names);
    Relation compound(const PgQuery__SelectStmt& node, Scope* outer, const std::vector<std::string>& names);
    Relation values(const PgQuery__SelectStmt& node, Scope* outer, const std::vector<std::string>& names);
    std::vector<Target> targets(PgQuery__Node* const* nodes, std::size_t count, Scope& scope,
                                bool keep_undecided = false);
    std::string with(const PgQuery__WithClause* clause, Scope* outer);
    void common_table(const PgQuery__CommonTableExpr& node, bool recursive, Scope* outer, std::string& sql);
    Expression sort_key(const PgQuery__Node& node, Scope& scope, const std::vector<Target>& targets,
                        const char* clause);
    std::string key_sql(const Expression& key, const std::string& sql, const Scope& scope,
                        const std::vector<Target>& targets, const char* clause);
    std::string order(PgQuery__Node* const* nodes, std::size_t count, Scope& scope,
                      const std::vector<Target>& targets, bool distinct);
    std::string distinct_on(const PgQuery__SelectStmt& node, Scope& scope, const std::vector<Target>& targets,
                            const Relation& relation, const std::string& list, const std::string& tail);
    std::string limit(const PgQuery__SelectStmt& node, Scope& scope);
    void group(const PgQuery__SelectStmt& node, Scope& scope, std::string& sql);
    std::string sort_suffix(const PgQuery__SortBy& sort);

    // from.cpp
    std::string from(PgQuery__Node* const* nodes, std::size_t count, Scope& scope);
    std::string from_item(const PgQuery__Node& node, Scope& scope);
    std::string range_table(const PgQuery__RangeVar& node, Scope& scope);
    std::string range_select(const PgQuery__RangeSubselect& node, Scope& scope);
    std::string range_function(const PgQuery__RangeFunction& node, Scope& scope);
    std::string join(const PgQuery__JoinExpr& node, Scope& scope);
    const Table* table(const PgQuery__RangeVar& node, bool to_write);

    // write.cpp and insert.cpp
    Statement insert(const PgQuery__InsertStmt& node);
    Statement update(const PgQuery__UpdateStmt& node);
    Statement remove(const PgQuery__DeleteStmt& node);
    std::string insert_rows(const PgQuery__InsertStmt& node, const Table& table,
                            std::vector<const TableColumn*> columns, Scope* outer);
    std::string assignments(PgQuery__Node* const* nodes, std::size_t count, const Table& table, Scope& scope);
    std::string on_conflict(const PgQuery__OnConflictClause& node, const Table& table,
                            const std::string& alias);
    std::string returning(PgQuery__Node* const* nodes, std::size_t count, const Table& table,
                          const PgQuery__RangeVar& relation, Statement& statement);
    std::string assigned(Expression value, const TableColumn& column, const Table& table);
    Scope table_scope(const Table& table, const PgQuery__RangeVar& relation, bool qualified);

    // define.cpp, create_index.cpp and create_table_as.cpp
    Statement create_table(const PgQuery__CreateStmt& node);
    Statement create_table_as(const PgQuery__CreateTableAsStmt& node);
    Statement create_index(const PgQuery__IndexStmt& node);
    Statement alter_table(const PgQuery__AlterTableStmt& node);
    void drop_column(const Table& table, const std::string& name, bool cascade, Statement& result);
    Statement rename(const PgQuery__RenameStmt& node);
    std::string rename_column(const Table& changed, const PgQuery__RenameStmt& node);
    Statement create_view(const PgQuery__ViewStmt& node);  // views.cpp
    // sequences.cpp
    Statement create_sequence(const PgQuery__CreateSeqStmt& node);
    Statement alter_sequence(const PgQuery__AlterSeqStmt& node);
    Statement sequence_statement(const PgQuery__RangeVar& relation, PgQuery__Node* const* options,
                                 std::size_t count, bool create);
    const Table* serial_of(std::string_view name) const;
    std::optional<Expression> sequence_call(const std::string& name, std::vector<Expression>& arguments);
    // owned_sequences.cpp
    std::string serial_default(const std::string& table, const std::string& column, SqlType type);
    std::vector<std::string> owned_by(const std::string& sequence, const PgQuery__Node* owner);
    std::vector<std::string> drop_owned(const Table& table, const std::string* column,
                                        const std::vector<std::string>& dropped, bool cascade);
    Statement drop(const PgQuery__DropStmt& node);  // drop.cpp
    void drop_relation(const std::string& name, const std::vector<std::string>& all, bool cascade,
                       std::vector<std::string>& views);
    Statement truncate(const PgQuery__TruncateStmt& node);
    struct ColumnDefinition {
        std::string sql;
        bool primary = false;
    };
    // only_key: a PRIMARY KEY of the table names it alone. added: to a table that is there.
    ColumnDefinition column_definition(const PgQuery__ColumnDef& node, const std::string& table, Scope& scope,
                                       bool only_key, bool added = false);
    void add_named_keys(const std::string& table, Statement& result);
    std::string table_constraint(const PgQuery__Constraint& node, const std::string& table, Scope& scope);
    std::string references(const PgQuery__Constraint& node);

    // inner_statements.cpp
    Statement about_statement(const PgQuery__Node& node, StatementKind kind, const char* tag,
                              const std::vector<SqlType>& declared);
    Statement prepare_statement(const PgQuery__Node& node);
    Statement execute_statement(const PgQuery__ExecuteStmt& node);
    Statement declare_cursor(const PgQuery__Node& node);
    Statement fetch(const PgQuery__FetchStmt& node);
    Statement explain(const PgQuery__Node& node);

    // session_statements.cpp
    Statement transaction(const PgQuery__TransactionStmt& node);
    Statement set(const PgQuery__VariableSetStmt& node);
    Statement copy(const PgQuery__CopyStmt& node);

    // In a SELECT that never has a row (from a catalog of what this service hasn't) nothing is ever
    // evaluated, so nothing in it has to be known.
    bool never_evaluated() const { return never_evaluated_ > 0; }

    template <typename... Arguments>
    Expression fail(const char* sqlstate, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        return fail_with(SqlError{sqlstate, fmt::format(format, std::forward<Arguments>(arguments)...)});
    }
    Expression refuse(const std::string& what) { return fail_with(unsupported(what)); }
    Expression failed() { return {"NULL", {SqlType::text, -1}, {}, {}, 0, true, {}}; }
    // location: a byte of the statement's text, from 0; -1: none.
    Expression fail_with(SqlError error, int location = -1) {
        if (error_ || never_evaluated()) return failed();
        error.position = location + 1;
        error_ = std::move(error);
        return failed();
    }

    const Catalog& catalog_;
    std::vector<SqlType> parameters_;
    std::optional<SqlError> error_;
    int depth_ = 0;
    int never_evaluated_ = 0;
    // A table whose rows are being changed and that may not be read: PostgreSQL would show it as it was
    // before.
    const Table* unread_ = nullptr;
    Levels levels_;  // of the expression that is being translated
    const ExpressionPlace* place_ = &place::anywhere;
    int range_count_ = 0;  // for names of unnamed ranges
    bool locks_rows_ = false;
    std::vector<const PgQuery__SelectStmt*> selects_;  // that are being translated, the innermost last
    // SQLite knows it by a name of its own: there a table of WITH is seen in its own query too, where
    // PostgreSQL means the stored table of that name.
    struct CommonTable {
        std::string name, sql_name;
        std::vector<ResultColumn> columns;
        std::vector<std::string> aliases;
        std::optional<SqlError> refusal{};  // why it can't be named here
    };
    std::vector<CommonTable> common_tables_;
    int common_table_count_ = 0;
    struct Serial {  // of a table that is being made
        std::string sequence, column;
        SequenceRules rules;
    };
    std::vector<Serial> serials_;
    struct NamedKey {  // UNIQUE with a name of its own
        std::string name;
        std::vector<std::string> columns;
    };
    std::vector<NamedKey> named_keys_;
};

// Of write.cpp, for all that changes rows. Null: the table has no such column.
const TableColumn* column_of(const Table& table, std::string_view name);
std::string alias_of(const PgQuery__RangeVar& relation);
std::string defaulted(const TableColumn& column, const Table& table);  // what DEFAULT stands for
// A definition of several parts: the last is the one that is run as the statement.
void run_last(Statement& statement);
// A sequence is a table of one row with its state and its rules (functions/sequences.cpp).
std::vector<std::string> sequence_sql(const std::string& name, const SequenceRules& rules, bool temporary);
std::string own_sequence_sql(const std::string& sequence, const std::string& table,
                             const std::string& column);
std::string disown_sequence_sql(const std::string& sequence);

}  // namespace understudy::database
