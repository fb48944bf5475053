// SPDX-License-Identifier: Apache-2.0
// A failure as a PostgreSQL client sees it: a five-character SQLSTATE that programs act on and a message for
// people. SQLSTATE values: PostgreSQL 15 manual, appendix A.
#pragma once

#include <boost/system/result.hpp>
#include <string>

namespace understudy::database {

struct SqlError {
    SqlError() = default;
    SqlError(std::string sqlstate, std::string message, std::string hint = {}, bool fatal = false)
        : sqlstate(std::move(sqlstate)), message(std::move(message)), hint(std::move(hint)), fatal(fatal) {}

    std::string sqlstate;
    std::string message;
    std::string hint;
    bool fatal = false;   // the connection ends after it
    int position = 0;     // in the statement's text, from 1; 0: none
    std::string context;  // where it happened: a line of COPY
    bool operator==(const SqlError&) const = default;
};

template <typename T>
using SqlResult = boost::system::result<T, SqlError>;

[[noreturn]] void throw_exception_from_error(const SqlError& error, const boost::source_location& where);

namespace sqlstate {
constexpr const char* protocol_violation = "08P01";
constexpr const char* feature_not_supported = "0A000";
constexpr const char* string_too_long = "22001";
constexpr const char* out_of_range = "22003";
constexpr const char* bad_timestamp = "22007";
constexpr const char* bad_text = "22P02";
constexpr const char* bad_binary = "22P03";
constexpr const char* not_null_violation = "23502";
constexpr const char* foreign_key_violation = "23503";
constexpr const char* unique_violation = "23505";
constexpr const char* check_violation = "23514";
constexpr const char* read_only_transaction = "25006";
constexpr const char* no_active_transaction = "25P01";
constexpr const char* in_failed_transaction = "25P02";
constexpr const char* idle_in_transaction = "25P03";
constexpr const char* bad_statement_name = "26000";
constexpr const char* bad_password = "28P01";
constexpr const char* bad_portal_name = "34000";
constexpr const char* bad_catalog_name = "3D000";
constexpr const char* bad_savepoint = "3B001";
constexpr const char* serialization_failure = "40001";
constexpr const char* syntax_error = "42601";
constexpr const char* ambiguous_column = "42702";
constexpr const char* undefined_column = "42703";
constexpr const char* undefined_object = "42704";
constexpr const char* undefined_function = "42883";
constexpr const char* undefined_table = "42P01";
constexpr const char* duplicate_table = "42P07";
constexpr const char* duplicate_statement = "42P05";
constexpr const char* duplicate_portal = "42P03";
constexpr const char* insufficient_privilege = "42501";
constexpr const char* disk_full = "53100";
constexpr const char* out_of_memory = "53200";
constexpr const char* too_many_connections = "53300";
constexpr const char* cardinality_violation = "21000";
constexpr const char* division_by_zero = "22012";
constexpr const char* limit_exceeded = "54000";
constexpr const char* too_complex = "54001";
constexpr const char* lock_not_available = "55P03";
constexpr const char* query_canceled = "57014";
constexpr const char* admin_shutdown = "57P01";
constexpr const char* cannot_connect_now = "57P03";
constexpr const char* io_error = "58030";
constexpr const char* internal_error = "XX000";
constexpr const char* data_corrupted = "XX001";
}  // namespace sqlstate

inline SqlError unsupported(std::string what) {
    return {sqlstate::feature_not_supported, std::move(what) + " is not supported"};
}

}  // namespace understudy::database
