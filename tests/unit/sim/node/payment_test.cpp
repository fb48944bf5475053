// SPDX-License-Identifier: Apache-2.0
#include "sim/node/core/payment.hpp"

#include <gtest/gtest.h>

namespace understudy::node {
namespace {

TEST(Payment, survives_its_json_forms) {
    const Payment payment{"app-1", "O=Party B, L=Paris, C=FR", 12};
    EXPECT_EQ(*payment_from_request(to_request(payment)), payment);
    const auto delivery = delivery_from_json(to_delivery_json(payment, "O=Party A"));
    ASSERT_TRUE(delivery.has_value());
    EXPECT_EQ(delivery->to, payment.peer);
    EXPECT_EQ(delivery->payment.peer, "O=Party A");
}

TEST(Payment, bad_requests_are_refused_with_the_member_at_fault) {
    const auto subject = [](const char* body) {
        const auto payment = payment_from_request(body);
        return payment.has_error() ? payment.error().subject : std::string("accepted");
    };
    EXPECT_EQ(subject("no json"), "body");
    EXPECT_EQ(subject("{\"to\":\"B\",\"amount\":1}"), "id");
    EXPECT_EQ(subject("{\"id\":\"a b\",\"to\":\"B\",\"amount\":1}"), "id");
    EXPECT_EQ(subject("{\"id\":\"a\",\"amount\":1}"), "to");
    EXPECT_EQ(subject("{\"id\":\"a\",\"to\":\"B\"}"), "amount");
    EXPECT_EQ(subject("{\"id\":\"a\",\"to\":\"B\",\"amount\":0}"), "amount");
    EXPECT_EQ(subject("{\"id\":\"a\",\"to\":\"B\",\"amount\":1.5}"), "amount");
    EXPECT_EQ(subject("{\"id\":\"a\",\"to\":\"B\",\"amount\":1000000000000001}"), "amount");
}

}  // namespace
}  // namespace understudy::node
