// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/sql_error.hpp"

#include "base/assert.hpp"

namespace understudy::database {

void throw_exception_from_error(const SqlError& error, const boost::source_location& where) {
    const std::string text = "value of an SQL error taken: " + error.message;
    invariant_broken("result.has_value()", text.c_str(), where.file_name(), static_cast<int>(where.line()));
}

}  // namespace understudy::database
