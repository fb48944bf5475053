// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/integration/sim_node/harness.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::node {
namespace {

class Payments : public NodeTest {
  protected:
    void start_parties(const std::string& defect = "") {
        start_network_map();
        payee_ = node({.party = "b", .share = "b", .exclusive = false, .defect = defect});
        payer_ = node({.defect = defect});
        ASSERT_TRUE(payee_->wait_for("ready"));
        ASSERT_TRUE(payer_->wait_for("ready"));
    }
    std::unique_ptr<Process> payer_;
    std::unique_ptr<Process> payee_;
};

TEST_F(Payments, a_retry_of_the_same_id_gets_the_same_answer_and_pays_once) {
    start_parties();
    EXPECT_EQ(pay("p-1", 5), 200);
    EXPECT_EQ(pay("p-1", 5), 200);
    EXPECT_EQ(pay("p-1", 6), 409) << "another amount";
    EXPECT_EQ(pay("p-2", 5, "O=Nobody"), 404);
    EXPECT_EQ(pay("p 3", 5), 400);
    const auto shown = request(ports_["a"].rpc, {"GET", "/payments/p-1", ""});
    EXPECT_EQ(shown.status, 200);
    EXPECT_NE(shown.body.find("\"state\":\"settled\""), std::string::npos) << shown.body;
    EXPECT_EQ(request(ports_["a"].rpc, {"GET", "/payments/p-9", ""}).status, 404);
    EXPECT_EQ(request(ports_["a"].http, {"GET", "/", ""}).status, 200);
    EXPECT_NE(request(ports_["a"].rpc, {"GET", "/status", ""}).body.find("\"active\":true"),
              std::string::npos);
    const PaymentVerdict found = verdict({{"p-1"}, {"p-1"}});
    EXPECT_TRUE(found.lost.empty());
    EXPECT_TRUE(found.duplicated.empty());
}

TEST_F(Payments, an_unfinished_payment_is_finished_by_the_next_active_node) {
    start_parties();
    EXPECT_EQ(pay("p-1"), 200);
    payee_->kill();
    EXPECT_EQ(pay("p-2", 1, "O=Party B", std::chrono::milliseconds(500)), 0)
        << "not durable at the payee: no answer";
    EXPECT_TRUE(test::eventually([&] { return audit("a").payments.size() == 2; }));
    payer_->kill();
    payee_ = node({.party = "b", .share = "b", .exclusive = false});
    payer_ = node({});
    ASSERT_TRUE(payer_->wait_for("recovered"));
    EXPECT_TRUE(test::eventually([&] {
        const Audit payer = audit("a");
        return payer.payments.size() == 2 && payer.payments[1].state == "settled";
    }));
    EXPECT_EQ(pay("p-2"), 200);
    const PaymentVerdict found = verdict({{"p-1", "p-2"}, {"p-1", "p-2"}});
    EXPECT_TRUE(found.lost.empty());
    EXPECT_TRUE(found.duplicated.empty());
}

TEST_F(Payments, the_audit_finds_what_a_node_loses_that_acknowledges_before_it_is_durable) {
    start_parties("ack-before-durable");
    EXPECT_EQ(pay("p-1"), 200);
    payer_->kill();
    const PaymentVerdict found = verdict({{"p-1"}, {"p-1"}});
    EXPECT_THAT(found.lost, testing::ElementsAre("p-1"));
}

TEST_F(Payments, a_sound_node_killed_after_the_answer_loses_nothing) {
    start_parties();
    EXPECT_EQ(pay("p-1"), 200);
    payer_->kill();
    EXPECT_TRUE(verdict({{"p-1"}, {"p-1"}}).lost.empty());
}

TEST_F(Payments, the_audit_finds_what_a_node_pays_twice_that_ignores_payment_ids) {
    start_parties("ignore-payment-ids");
    EXPECT_EQ(pay("p-1"), 200);
    EXPECT_EQ(pay("p-1"), 200);
    const PaymentVerdict found = verdict({{"p-1"}, {"p-1"}});
    EXPECT_THAT(found.duplicated, testing::ElementsAre("p-1"));
}

}  // namespace
}  // namespace understudy::node
