// SPDX-License-Identifier: Apache-2.0
// One call of an SQL function: its arguments and its result, over SQLite's interface. The text and bytes of
// an argument live as long as the call.
#pragma once

#include <fmt/format.h>
#include <sqlite3.h>

#include <optional>
#include <string>
#include <string_view>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/value_forms.hpp"
#include "storage/database/functions/context.hpp"

namespace understudy::database {

// What stands before an error's SQLSTATE in SQLite's message, for error_of() to take apart.
constexpr const char* function_error_mark = "SQLSTATE:";

class Call {
  public:
    Call(sqlite3_context* context, int count, sqlite3_value** arguments)
        : call_(context), count_(count), arguments_(arguments) {}

    int count() const { return count_; }
    bool null(int index) const { return sqlite3_value_type(arguments_[index]) == SQLITE_NULL; }
    bool is_blob(int index) const { return sqlite3_value_type(arguments_[index]) == SQLITE_BLOB; }
    std::int64_t integer(int index) const { return sqlite3_value_int64(arguments_[index]); }
    double real(int index) const { return sqlite3_value_double(arguments_[index]); }
    std::string_view text(int index) const {
        const auto* bytes = reinterpret_cast<const char*>(
            is_blob(index) ? sqlite3_value_blob(arguments_[index]) : sqlite3_value_text(arguments_[index]));
        return {bytes == nullptr ? "" : bytes,
                static_cast<std::size_t>(sqlite3_value_bytes(arguments_[index]))};
    }
    Stored stored(int index) const {
        switch (sqlite3_value_type(arguments_[index])) {
            case SQLITE_INTEGER:
                return integer(index);
            case SQLITE_FLOAT:
                return real(index);
            case SQLITE_TEXT:
                return std::string(text(index));
            case SQLITE_BLOB:
                return Blob{std::string(text(index))};
            default:
                return std::monostate{};
        }
    }
    FunctionContext& context() const { return *static_cast<FunctionContext*>(sqlite3_user_data(call_)); }

    void give(std::int64_t value) { sqlite3_result_int64(call_, value); }
    void give(double value) { sqlite3_result_double(call_, value); }
    void give(bool value) { sqlite3_result_int(call_, value ? 1 : 0); }
    void give(std::string_view text) {
        sqlite3_result_text64(call_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    void give_bytes(std::string_view bytes) {
        sqlite3_result_blob64(call_, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
    }
    void give_argument(int index) { sqlite3_result_value(call_, arguments_[index]); }
    void give(const Stored& value) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) give(*number);
        if (const auto* number = std::get_if<double>(&value)) give(*number);
        if (const auto* content = std::get_if<std::string>(&value)) give(std::string_view(*content));
        if (const auto* blob = std::get_if<Blob>(&value)) give_bytes(blob->bytes);
    }
    void give(const SqlResult<Stored>& value) {
        if (value.has_error())
            fail(value.error());
        else
            give(*value);
    }
    void fail(const SqlError& error) { fail(error.sqlstate.c_str(), error.message); }
    void fail(const char* state, std::string_view message) {
        const std::string text = fmt::format("{}{}:{}", function_error_mark, state, message);
        sqlite3_result_error(call_, text.data(), static_cast<int>(text.size()));
    }
    sqlite3* connection() const { return sqlite3_context_db_handle(call_); }

  private:
    sqlite3_context* call_;
    int count_;
    sqlite3_value** arguments_;
};

// Most functions give NULL when an argument is NULL.
template <auto function>
void strict(sqlite3_context* context, int count, sqlite3_value** arguments) {
    Call call(context, count, arguments);
    for (int i = 0; i < count; ++i)
        if (call.null(i)) return;
    function(call);
}
template <auto function>
void with_nulls(sqlite3_context* context, int count, sqlite3_value** arguments) {
    Call call(context, count, arguments);
    function(call);
}

using FunctionEntry = void (*)(sqlite3_context*, int, sqlite3_value**);

class Registry {
  public:
    Registry(sqlite3* connection, FunctionContext& context) : connection_(connection), context_(context) {}
    // -1: any number of arguments.
    void add(const char* name, int arguments, FunctionEntry entry) {
        add(name, arguments, entry, SQLITE_DETERMINISTIC);
    }
    void add_changing(const char* name, int arguments, FunctionEntry entry) {
        add(name, arguments, entry, 0);
    }
    sqlite3* connection() const { return connection_; }
    FunctionContext& context() const { return context_; }

  private:
    void add(const char* name, int arguments, FunctionEntry entry, int flags) {
        sqlite3_create_function_v2(connection_, name, arguments, SQLITE_UTF8 | flags, &context_, entry,
                                   nullptr, nullptr, nullptr);
    }
    sqlite3* connection_;
    FunctionContext& context_;
};

void add_number_functions(Registry& registry);
void add_numeric_functions(Registry& registry);
void add_text_functions(Registry& registry);
void add_text_forms(Registry& registry);
void add_moment_functions(Registry& registry);
void add_value_functions(Registry& registry);
void add_session_functions(Registry& registry);
void add_aggregates(Registry& registry);
void add_ordered_aggregates(Registry& registry);
void add_array_functions(Registry& registry);
void add_array_elements(Registry& registry);
void add_sequence_functions(Registry& registry);

}  // namespace understudy::database
