// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/journal_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::node {
namespace {

const Payment first{"p-1", "O=Party B", 10};
const Payment second{"p-2", "O=Party B", 20};

TEST(JournalCodec, records_come_back_as_written) {
    const DecodedJournal decoded =
        decode_journal(encode_record(Announced{first}) + encode_record(Settled{"p-1"}));
    ASSERT_EQ(decoded.records.size(), 2u);
    EXPECT_EQ(std::get<Announced>(decoded.records[0]).payment, first);
    EXPECT_EQ(std::get<Settled>(decoded.records[1]).id, "p-1");
    EXPECT_FALSE(decoded.torn);
}

TEST(JournalCodec, a_tail_torn_at_any_byte_costs_only_the_last_record) {
    const std::string whole = encode_record(Announced{first});
    const std::string last = encode_record(Announced{second});
    for (std::size_t kept = 1; kept < last.size(); ++kept) {
        const DecodedJournal decoded = decode_journal(whole + last.substr(0, kept));
        ASSERT_EQ(decoded.records.size(), 1u) << kept;
        EXPECT_EQ(decoded.valid_bytes, whole.size());
        EXPECT_TRUE(decoded.torn);
    }
}

TEST(JournalCodec, a_flipped_bit_anywhere_in_a_record_ends_the_journal_before_it) {
    const std::string whole = encode_record(Announced{first});
    const std::string last = encode_record(Announced{second});
    for (std::size_t byte = 0; byte < last.size(); ++byte) {
        std::string damaged = last;
        damaged[byte] = static_cast<char>(damaged[byte] ^ 0x10);
        EXPECT_EQ(decode_journal(whole + damaged).records.size(), 1u) << byte;
    }
}

TEST(JournalCodec, announced_and_not_settled_is_unfinished_once) {
    EXPECT_THAT(unfinished_payments({Announced{first}, Announced{second}, Announced{second}, Settled{"p-1"}}),
                testing::ElementsAre(second));
}

}  // namespace
}  // namespace understudy::node
