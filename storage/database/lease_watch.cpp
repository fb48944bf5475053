// SPDX-License-Identifier: Apache-2.0
#include "storage/database/lease_watch.hpp"

#include <fmt/format.h>

#include <string_view>

#include "storage/database/sqlite.hpp"

namespace understudy::database {
namespace {

constexpr const char* lease_table = "node_mutual_exclusion";
constexpr std::size_t max_value_bytes = 200;

void take_value(std::map<std::string, AttributeValue>& attributes, const std::string& column,
                const Stored& value) {
    if (column != "machine_name" && column != "pid" && column != "version") return;
    if (const auto* number = std::get_if<std::int64_t>(&value))
        attributes[column] = *number;
    else if (const auto* text = std::get_if<std::string>(&value))
        attributes[column] = text->substr(0, max_value_bytes);
}

std::string in_words(const std::map<std::string, AttributeValue>& attributes) {
    std::string text;
    for (const char* name : {"machine_name", "pid", "version"}) {
        const auto found = attributes.find(name);
        if (found == attributes.end()) continue;
        text += text.empty() ? "" : ", ";
        text += fmt::format("{} ", name);
        if (const auto* number = std::get_if<std::int64_t>(&found->second))
            text += std::to_string(*number);
        else
            text += std::get<std::string>(found->second);
    }
    return text.empty() ? "no row" : text;
}

}  // namespace

LeaseWatch::LeaseWatch(sqlite3* connection, Operation& operation, const std::string& user)
    : connection_(connection), operation_(operation), user_(user) {
    sqlite3_update_hook(
        connection_,
        [](void* watch, int, const char*, const char* table, sqlite3_int64) {
            if (std::string_view(table) == lease_table) static_cast<LeaseWatch*>(watch)->changes_.change();
        },
        this);
}

LeaseWatch::~LeaseWatch() {
    sqlite3_update_hook(connection_, nullptr, nullptr);
}

void LeaseWatch::read(const Statement& statement, const std::vector<Stored>& row) {
    if (statement.sql.find(lease_table) == std::string::npos) return;
    ++operation_.statistics.lease_reads;
    std::map<std::string, AttributeValue> attributes;
    for (std::size_t place = 0; place < row.size() && place < statement.columns.size(); ++place)
        take_value(attributes, statement.columns[place].name, row[place]);
    report("lease_read", std::move(attributes));
}

void LeaseWatch::removed_from(const Statement& statement) {
    if (statement.sql.find(lease_table) != std::string::npos) changes_.change();
}

void LeaseWatch::before_commit() {
    written_.clear();
    if (!changes_.changed()) return;
    // A table of that name with other columns is no lease: its changes are counted, and told without values.
    const auto compiled =
        compile(connection_, fmt::format("SELECT machine_name, pid, version FROM {} LIMIT 1", lease_table));
    if (compiled.has_error() || sqlite3_step(compiled->get()) != SQLITE_ROW) return;
    for (int column = 0; column < sqlite3_column_count(compiled->get()); ++column)
        take_value(written_, sqlite3_column_name(compiled->get(), column),
                   column_value(compiled->get(), column));
}

void LeaseWatch::finished(bool committed) {
    if (!changes_.finish() || !committed) return;
    ++operation_.statistics.lease_writes;
    report("lease_written", std::exchange(written_, {}));
}

void LeaseWatch::report(const char* name, std::map<std::string, AttributeValue> attributes) {
    const std::string detail = fmt::format("{}: {}", user_, in_words(attributes));
    attributes["user"] = user_;
    operation_.report(name, detail, std::move(attributes));
}

}  // namespace understudy::database
