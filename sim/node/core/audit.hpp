// SPDX-License-Identifier: Apache-2.0
// The verdict on payments: the client's own record is compared with what both parties' databases hold
// afterwards. Lost: acknowledged to the client, yet without an entry at the payer or at the payee.
// Duplicated: more than one ledger entry under one payment id at either party, acknowledged or not.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sim/node/core/payment.hpp"

namespace understudy::node {

struct AuditedPayment {
    std::string payment_id;
    Direction direction = Direction::outgoing;
    std::int64_t entries = 0;
    std::string state;
};

struct Audit {
    std::string legal_name;
    std::vector<AuditedPayment> payments;
};

struct ClientRecord {
    std::set<std::string> attempted;
    std::set<std::string> acknowledged;
};

struct PaymentVerdict {
    std::int64_t acknowledged = 0;
    std::vector<std::string> lost;
    std::vector<std::string> duplicated;
};

// `payer` is the party the client calls; only its outgoing and the payee's incoming entries are compared.
PaymentVerdict compare(const ClientRecord& client, const Audit& payer, const Audit& payee);

// The audit's one JSON document, {"legal_name","payments":[{"payment_id","direction","entries","state"}]}.
std::string to_json(const Audit& audit);
Result<Audit> audit_from_json(std::string_view text);

// The client's record file: JSON lines with "payment" and "outcome". A last line cut short is left out (a
// client killed while it wrote); any other bad line is an error with its number.
Result<ClientRecord> client_record_from_lines(std::string_view text);

}  // namespace understudy::node
