// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/audit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

AuditedPayment paid(const std::string& id, std::int64_t entries = 1) {
    return {id, Direction::outgoing, entries, "settled"};
}
AuditedPayment received(const std::string& id, std::int64_t entries = 1) {
    return {id, Direction::incoming, entries, "settled"};
}

TEST(Audit, payments_at_both_parties_are_neither_lost_nor_duplicated) {
    const PaymentVerdict verdict =
        compare({{"1", "2", "3"}, {"1", "2"}}, {"A", {paid("1"), paid("2"), paid("3")}},
                {"B", {received("1"), received("2")}});
    EXPECT_EQ(verdict.acknowledged, 2);
    EXPECT_THAT(verdict.lost, IsEmpty()) << "what was never acknowledged can't be lost";
    EXPECT_THAT(verdict.duplicated, IsEmpty());
}

TEST(Audit, an_acknowledged_payment_missing_at_either_party_is_lost) {
    const PaymentVerdict verdict = compare({{"1", "2", "3"}, {"1", "2", "3"}}, {"A", {paid("1"), paid("2")}},
                                           {"B", {received("2"), received("3")}});
    EXPECT_THAT(verdict.lost, ElementsAre("1", "3"));
}

TEST(Audit, a_second_entry_at_either_party_is_a_duplicate_even_when_unacknowledged) {
    const PaymentVerdict verdict = compare({{"1", "2"}, {"1"}}, {"A", {paid("1", 2), paid("2")}},
                                           {"B", {received("1"), received("2"), received("2")}});
    EXPECT_THAT(verdict.duplicated, ElementsAre("1", "2"));
    EXPECT_THAT(verdict.lost, IsEmpty());
}

TEST(Audit, an_entry_in_the_other_direction_does_not_count) {
    const PaymentVerdict verdict = compare({{"1"}, {"1"}}, {"A", {received("1")}}, {"B", {received("1")}});
    EXPECT_THAT(verdict.lost, ElementsAre("1"));
}

TEST(Audit, survives_its_json_form) {
    const Audit audit{"O=Party \"A\"", {paid("1", 2), received("2")}};
    const auto read = audit_from_json(to_json(audit));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->legal_name, audit.legal_name);
    ASSERT_EQ(read->payments.size(), 2u);
    EXPECT_EQ(read->payments[0].entries, 2);
    EXPECT_EQ(read->payments[1].direction, Direction::incoming);
    EXPECT_TRUE(audit_from_json("{\"legal_name\":\"A\"}").has_error());
}

TEST(Audit, reads_the_clients_record_up_to_a_line_cut_short) {
    const auto record = client_record_from_lines(
        "{\"payment\":\"1\",\"outcome\":\"failed\"}\n{\"payment\":\"1\",\"outcome\":\"acknowledged\"}\n"
        "{\"payment\":\"2\",\"outcome\":\"failed\"}\n{\"payment\":\"3\",\"outc");
    ASSERT_TRUE(record.has_value());
    EXPECT_THAT(record->attempted, ElementsAre("1", "2"));
    EXPECT_THAT(record->acknowledged, ElementsAre("1"));
    EXPECT_TRUE(client_record_from_lines("nonsense\n").has_error());
}

}  // namespace
}  // namespace understudy::node
