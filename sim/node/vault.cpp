// SPDX-License-Identifier: Apache-2.0
#include "sim/node/vault.hpp"

#include <fmt/format.h>

#include <map>

namespace understudy::node::vault {
namespace {

const char* const columns = "payment_id, direction, peer, amount, state";

Result<LedgerEntry> entry_from(const Row& row) {
    UNDERSTUDY_TRY(const std::int64_t amount, to_integer(row.at(3)));
    return LedgerEntry{Payment{row.at(0).value_or(""), row.at(2).value_or(""), amount},
                       row.at(1) == "outgoing" ? Direction::outgoing : Direction::incoming,
                       row.at(4) == "settled" ? PaymentState::settled : PaymentState::pending};
}

Result<LedgerEntry> entry_already_there(Connection& connection, Direction direction, const Payment& payment) {
    UNDERSTUDY_TRY(
        const QueryAnswer answer,
        connection.query(fmt::format("SELECT {} FROM vault_payments WHERE payment_id = $1 AND direction = $2 "
                                     "ORDER BY entry_id LIMIT 1",
                                     columns),
                         {payment.id, to_string(direction)}));
    if (answer.rows.empty())
        return Error(ErrorKind::failed, "payment " + payment.id,
                     "is marked as processed and has no ledger entry");
    UNDERSTUDY_TRY(LedgerEntry entry, entry_from(answer.rows.front()));
    if (entry.payment != payment)
        return Error(ErrorKind::bad_input, "payment " + payment.id,
                     "was used before with another party or amount")
            .with_remedy("give every payment an id of its own");
    return entry;
}

}  // namespace

Result<void> create_tables(Connection& connection) {
    for (const char* sql :
         {"CREATE TABLE IF NOT EXISTS processed_messages (message_id text PRIMARY KEY, recorded_at "
          "timestamptz NOT NULL)",
          "CREATE TABLE IF NOT EXISTS vault_payments (entry_id bigserial PRIMARY KEY, payment_id text NOT "
          "NULL, "
          "direction text NOT NULL, peer text NOT NULL, amount bigint NOT NULL, state text NOT NULL, "
          "recorded_at timestamptz NOT NULL)",
          "CREATE INDEX IF NOT EXISTS vault_payments_by_id ON vault_payments (payment_id)"})
        UNDERSTUDY_CHECK(connection.query(sql));
    return {};
}

Result<LedgerEntry> record(Connection& connection, Direction direction, const Payment& payment) {
    return connection.transaction([&]() -> Result<LedgerEntry> {
        UNDERSTUDY_TRY(const QueryAnswer first,
                       connection.query("INSERT INTO processed_messages (message_id, recorded_at) "
                                        "VALUES ($1, CURRENT_TIMESTAMP) ON CONFLICT DO NOTHING",
                                        {fmt::format("{}:{}", to_string(direction), payment.id)}));
        if (first.affected == 0) return entry_already_there(connection, direction, payment);
        const auto state = direction == Direction::outgoing ? PaymentState::pending : PaymentState::settled;
        LedgerEntry entry{payment, direction, state};
        UNDERSTUDY_CHECK(insert_entry(connection, entry));
        return entry;
    });
}

Result<void> insert_entry(Connection& connection, const LedgerEntry& entry) {
    UNDERSTUDY_CHECK(connection.query(
        "INSERT INTO vault_payments (payment_id, direction, peer, amount, state, recorded_at) "
        "VALUES ($1, $2, $3, $4, $5, CURRENT_TIMESTAMP)",
        {entry.payment.id, to_string(entry.direction), entry.payment.peer,
         std::to_string(entry.payment.amount), to_string(entry.state)}));
    return {};
}

Result<void> settle(Connection& connection, const std::string& id) {
    UNDERSTUDY_CHECK(connection.query(
        "UPDATE vault_payments SET state = 'settled' WHERE payment_id = $1 AND direction = 'outgoing'",
        {id}));
    return {};
}

Result<std::optional<LedgerEntry>> find(Connection& connection, const std::string& id) {
    UNDERSTUDY_TRY(
        const QueryAnswer answer,
        connection.query(
            fmt::format("SELECT {} FROM vault_payments WHERE payment_id = $1 ORDER BY entry_id LIMIT 1",
                        columns),
            {id}));
    if (answer.rows.empty()) return std::optional<LedgerEntry>();
    UNDERSTUDY_TRY(LedgerEntry entry, entry_from(answer.rows.front()));
    return std::optional(std::move(entry));
}

Result<std::vector<Payment>> pending(Connection& connection) {
    UNDERSTUDY_TRY(const QueryAnswer answer,
                   connection.query(fmt::format(
                       "SELECT {} FROM vault_payments WHERE state = 'pending' AND direction = 'outgoing' "
                       "ORDER BY entry_id",
                       columns)));
    std::vector<Payment> payments;
    for (const Row& row : answer.rows) {
        UNDERSTUDY_TRY(LedgerEntry entry, entry_from(row));
        payments.push_back(std::move(entry.payment));
    }
    return payments;
}

Result<Audit> audit(Connection& connection, const std::string& legal_name) {
    UNDERSTUDY_TRY(
        const QueryAnswer answer,
        connection.query("SELECT payment_id, direction, state FROM vault_payments ORDER BY entry_id"));
    Audit audit{legal_name, {}};
    std::map<std::pair<std::string, std::string>, std::size_t> place;
    for (const Row& row : answer.rows) {
        const std::string id = row.at(0).value_or("");
        const std::string direction = row.at(1).value_or("");
        const auto [found, added] = place.try_emplace({id, direction}, audit.payments.size());
        if (added)
            audit.payments.push_back(
                {id, direction == "outgoing" ? Direction::outgoing : Direction::incoming, 0, ""});
        AuditedPayment& payment = audit.payments[found->second];
        ++payment.entries;
        payment.state = row.at(2).value_or("");
    }
    return audit;
}

}  // namespace understudy::node::vault
