// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/journal_codec.hpp"

#include <boost/crc.hpp>
#include <optional>
#include <set>

#include "base/json.hpp"

namespace understudy::node {
namespace {

constexpr std::size_t header_bytes = 8;
constexpr std::uint32_t longest_payload = 64 * 1024;

std::uint32_t crc_of(std::string_view bytes) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>((value >> shift) & 0xff));
}

std::uint32_t get_u32(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
}

std::optional<JournalRecord> record_from(std::string_view payload) {
    if (auto announced = payment_from_request(payload); announced.has_value())
        return Announced{std::move(*announced)};
    boost::system::error_code failure;
    const json::value parsed = json::parse(json::string_view(payload.data(), payload.size()), failure);
    if (failure || !parsed.is_object()) return std::nullopt;
    const auto* id = parsed.get_object().if_contains("settled");
    if (id == nullptr || !id->is_string()) return std::nullopt;
    return Settled{std::string(id->get_string())};
}

}  // namespace

std::string encode_record(const JournalRecord& record) {
    const std::string payload =
        std::holds_alternative<Announced>(record)
            ? to_request(std::get<Announced>(record).payment)
            : json::serialize(json::object{{"settled", std::get<Settled>(record).id}});
    std::string bytes;
    put_u32(bytes, static_cast<std::uint32_t>(payload.size()));
    put_u32(bytes, crc_of(payload));
    return bytes + payload;
}

DecodedJournal decode_journal(std::string_view bytes) {
    DecodedJournal decoded;
    while (decoded.valid_bytes < bytes.size()) {
        const std::string_view rest = bytes.substr(decoded.valid_bytes);
        decoded.torn = true;
        if (rest.size() < header_bytes) return decoded;
        const std::uint32_t length = get_u32(rest);
        if (length > longest_payload || rest.size() - header_bytes < length) return decoded;
        const std::string_view payload = rest.substr(header_bytes, length);
        if (crc_of(payload) != get_u32(rest.substr(4))) return decoded;
        auto record = record_from(payload);
        if (!record) return decoded;
        decoded.records.push_back(std::move(*record));
        decoded.valid_bytes += header_bytes + length;
        decoded.torn = false;
    }
    return decoded;
}

std::vector<Payment> unfinished_payments(const std::vector<JournalRecord>& records) {
    std::set<std::string> left_out;
    for (const JournalRecord& record : records)
        if (const auto* settled = std::get_if<Settled>(&record)) left_out.insert(settled->id);
    std::vector<Payment> unfinished;
    for (const JournalRecord& record : records)
        if (const auto* announced = std::get_if<Announced>(&record);
            announced && left_out.insert(announced->payment.id).second)
            unfinished.push_back(announced->payment);
    return unfinished;
}

}  // namespace understudy::node
