// SPDX-License-Identifier: Apache-2.0
// Tells when a session reads or changes the lease of highly available nodes, the table node_mutual_exclusion:
// events "lease_read" with what the reader was given and "lease_written" with what is committed, each with
// machine_name, pid and version where the table has them. One session's; its thread.
#pragma once

#include <sqlite3.h>

#include <map>
#include <string>
#include <vector>

#include "storage/database/core/savepoints.hpp"
#include "storage/database/core/value_forms.hpp"
#include "storage/database/operation.hpp"
#include "storage/database/sql/statement.hpp"

namespace understudy::database {

class LeaseWatch {
  public:
    // The connection's update hook is this object's from now on.
    LeaseWatch(sqlite3* connection, Operation& operation, const std::string& user);
    LeaseWatch(const LeaseWatch&) = delete;
    ~LeaseWatch();

    // A SELECT gave its last row, which may be empty; `row` as `statement.columns`.
    void read(const Statement& statement, const std::vector<Stored>& row);
    // A DELETE removed rows: SQLite tells the hook nothing where it empties a table.
    void removed_from(const Statement& statement);
    // Within the transaction that is open: what ROLLBACK TO takes back isn't written.
    void savepoint(const std::string& name) { changes_.savepoint(name); }
    void release(const std::string& name) { changes_.release(name); }
    void roll_back_to(const std::string& name) { changes_.roll_back_to(name); }
    // Before and after the end of each transaction.
    void before_commit();
    void finished(bool committed);

  private:
    void report(const char* name, std::map<std::string, AttributeValue> attributes);

    sqlite3* connection_;
    Operation& operation_;
    std::string user_;
    ChangeMark changes_;
    std::map<std::string, AttributeValue> written_;
};

}  // namespace understudy::database
