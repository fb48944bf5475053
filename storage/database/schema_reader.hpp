// SPDX-License-Identifier: Apache-2.0
// The catalog of a connection: its tables as SQLite's schema has them, and the system catalogs. Looked up
// once and kept until the schema changes. Used by the connection's thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "storage/database/sql/catalog.hpp"
#include "storage/database/sqlite.hpp"

namespace understudy::database {

class SchemaReader : public Catalog {
  public:
    explicit SchemaReader(sqlite3* connection) : connection_(connection) {}

    const Table* find(std::string_view schema, std::string_view name) const override;
    bool is_default(const std::string& sequence, const std::vector<std::string>& except) const override;
    std::string constrained_by(const std::string& index) const override;
    bool has_index(const std::string& name) const override;
    std::vector<std::string> views_on(const std::string& name) const override;
    // Forgets what is no longer so. True when anything was forgotten.
    bool refresh();
    void forget() { tables_.clear(); }
    std::int64_t version() const { return version_; }

  private:
    std::unique_ptr<Table> read(const std::string& name) const;

    sqlite3* connection_;
    std::int64_t version_ = -1;
    SqliteStatement version_query_;
    mutable std::map<std::string, std::unique_ptr<Table>, std::less<>> tables_;  // null: there is none
};

// pg_catalog and information_schema: a SELECT over SQLite's schema for each. Null: not known.
const Table* find_system_table(std::string_view schema, std::string_view name);

}  // namespace understudy::database
