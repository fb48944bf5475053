// SPDX-License-Identifier: Apache-2.0
// The vault's tables and statements. Blocking, on a Worker's thread.
//   vault_payments      one row per ledger entry; entry_id is the entry's own, so that a payment executed
//   twice shows processed_messages  one row per message executed: "outgoing:ID" at the payer, "incoming:ID"
//   at the payee
#pragma once

#include "sim/node/core/audit.hpp"
#include "sim/node/database.hpp"
#include "sim/node/ledger.hpp"

namespace understudy::node::vault {

Result<void> create_tables(Connection& connection);
Result<LedgerEntry> record(Connection& connection, Direction direction, const Payment& payment);
Result<void> insert_entry(Connection& connection, const LedgerEntry& entry);  // the ledger entry alone
Result<void> settle(Connection& connection, const std::string& id);
Result<std::optional<LedgerEntry>> find(Connection& connection, const std::string& id);
Result<std::vector<Payment>> pending(Connection& connection);
Result<Audit> audit(Connection& connection, const std::string& legal_name);

}  // namespace understudy::node::vault
