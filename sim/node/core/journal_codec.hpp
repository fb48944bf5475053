// SPDX-License-Identifier: Apache-2.0
// The message journal's records as bytes. A record is: payload length (4 bytes, little endian), CRC-32 of the
// payload (4 bytes, little endian), payload (JSON). "announced" is written and made durable before a payment
// is executed, "settled" when it is done at both parties; a payment announced and not settled is unfinished.
// Decoding stops at the first record that is cut short or fails its CRC: what a crash or power cut leaves at
// the end of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/node/core/payment.hpp"

namespace understudy::node {

struct Announced {
    Payment payment;
};
struct Settled {
    std::string id;
};
using JournalRecord = std::variant<Announced, Settled>;

std::string encode_record(const JournalRecord& record);

struct DecodedJournal {
    std::vector<JournalRecord> records;
    std::size_t valid_bytes = 0;  // up to the end of the last whole record
    bool torn = false;            // bytes follow that are no whole record
};
DecodedJournal decode_journal(std::string_view bytes);

// In the order they were first announced.
std::vector<Payment> unfinished_payments(const std::vector<JournalRecord>& records);

}  // namespace understudy::node
