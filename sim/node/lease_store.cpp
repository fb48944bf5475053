// SPDX-License-Identifier: Apache-2.0
#include "sim/node/lease_store.hpp"

namespace understudy::node {
namespace {

Result<std::optional<LeaseRow>> read_row(Connection& connection) {
    UNDERSTUDY_TRY(
        const QueryAnswer answer,
        connection.query(
            "SELECT machine_name, pid, version, "
            "(EXTRACT(EPOCH FROM (CURRENT_TIMESTAMP - mutual_exclusion_timestamp)) * 1000)::bigint "
            "FROM node_mutual_exclusion WHERE mutual_exclusion_id = 'X'"));
    if (answer.rows.empty()) return std::optional<LeaseRow>();
    const Row& row = answer.rows.front();
    UNDERSTUDY_TRY(const std::int64_t version, to_integer(row.at(2)));
    UNDERSTUDY_TRY(const std::int64_t age_ms, to_integer(row.at(3)));
    return std::optional(
        LeaseRow{row.at(0).value_or(""), row.at(1).value_or(""), version, std::chrono::milliseconds(age_ms)});
}

Result<bool> write_row(Connection& connection, const LeaseIdentity& self, const RowDecision& decision) {
    if (std::holds_alternative<LeaveRow>(decision)) return false;
    if (const auto* update = std::get_if<UpdateRow>(&decision)) {
        UNDERSTUDY_TRY(
            const QueryAnswer answer,
            connection.query("UPDATE node_mutual_exclusion SET machine_name = $1, pid = $2, "
                             "mutual_exclusion_timestamp = CURRENT_TIMESTAMP, version = $3 "
                             "WHERE mutual_exclusion_id = 'X' AND version = $4",
                             {self.machine_name, self.pid, std::to_string(update->expected_version + 1),
                              std::to_string(update->expected_version)}));
        return answer.affected == 1;
    }
    UNDERSTUDY_TRY(
        const QueryAnswer answer,
        connection.query("INSERT INTO node_mutual_exclusion (mutual_exclusion_id, machine_name, pid, "
                         "mutual_exclusion_timestamp, version) VALUES ('X', $1, $2, CURRENT_TIMESTAMP, 0) "
                         "ON CONFLICT DO NOTHING",
                         {self.machine_name, self.pid}));
    return answer.affected == 1;
}

}  // namespace

Result<void> create_lease_table(Connection& connection) {
    const char* const sql =
        "CREATE TABLE IF NOT EXISTS node_mutual_exclusion (mutual_exclusion_id text PRIMARY KEY, "
        "machine_name text NOT "
        "NULL, pid text NOT NULL, mutual_exclusion_timestamp timestamptz NOT NULL, version bigint NOT NULL)";
    // Two hosts that start at once may both find no table; PostgreSQL then refuses one of them.
    auto created = connection.query(sql);
    if (created.has_error() && created.error().kind == ErrorKind::failed) created = connection.query(sql);
    if (created.has_error()) return created.error();
    return {};
}

Result<LeaseAnswered> claim_lease(Connection& connection, const LeaseIdentity& self, Duration wait_interval) {
    return connection.transaction([&]() -> Result<LeaseAnswered> {
        UNDERSTUDY_TRY(std::optional<LeaseRow> found, read_row(connection));
        UNDERSTUDY_TRY(const bool written,
                       write_row(connection, self, decide_claim(found, self, wait_interval)));
        return LeaseAnswered{std::move(found), written};
    });
}

Result<LeaseAnswered> renew_lease(Connection& connection, const LeaseIdentity& self) {
    // No transaction around it: the update carries the whole condition, and its own time is the new stamp.
    UNDERSTUDY_TRY(std::optional<LeaseRow> found, read_row(connection));
    UNDERSTUDY_TRY(const bool written, write_row(connection, self, decide_renewal(found, self)));
    return LeaseAnswered{std::move(found), written};
}

}  // namespace understudy::node
