// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/message_book.hpp"

#include <gtest/gtest.h>

namespace understudy::scenario {
namespace {

class Book : public testing::Test {
  protected:
    void active(const std::string& host) { handle(host, {"node", "active", "", {}}); }
    void acknowledged(const std::string& id, const std::string& broker) {
        handle("app",
               {"client", "attempt", "", {{"id", id}, {"outcome", "acknowledged"}, {"broker", broker}}});
    }
    void failed(const std::string& id) {
        handle("app",
               {"client", "attempt", "", {{"id", id}, {"outcome", "failed"}, {"reason", "no receipt"}}});
    }
    void received(const std::string& id) { handle("app", {"client", "message_received", "", {{"id", id}}}); }
    MessageCounts counts() const { return book_.counts(); }

  private:
    void handle(const std::string& host, Event event) {
        now_ += 1ms;
        book_.handle({now_, host, std::move(event)});
    }
    MessageBook book_;
    Duration now_{};
};

TEST_F(Book, what_was_acknowledged_and_never_arrived_is_lost) {
    acknowledged("1", "a");
    received("1");
    acknowledged("2", "a");
    failed("3");
    EXPECT_EQ(counts(), (MessageCounts{2, 1, 1, 0, 0}));
}

TEST_F(Book, a_message_that_overtakes_its_acknowledgement_is_not_lost) {
    received("1");
    acknowledged("1", "a");
    EXPECT_EQ(counts(), (MessageCounts{1, 1, 0, 0, 0}));
}

TEST_F(Book, a_message_sent_again_counts_once_and_its_second_arrival_as_duplicated) {
    failed("1");
    acknowledged("1", "a");
    received("1");
    received("1");
    EXPECT_EQ(counts(), (MessageCounts{1, 1, 0, 1, 0}));
}

TEST_F(Book, an_acknowledgement_of_a_host_that_another_has_followed_is_out_of_turn) {
    active("a");
    acknowledged("1", "a");
    active("b");
    acknowledged("2", "b");
    acknowledged("3", "a");
    EXPECT_EQ(counts().out_of_turn, 1);
}

TEST_F(Book, a_host_that_became_active_again_may_acknowledge_again) {
    active("a");
    active("b");
    active("a");
    acknowledged("1", "a");
    EXPECT_EQ(counts().out_of_turn, 0);
    acknowledged("2", "b");
    EXPECT_EQ(counts().out_of_turn, 1);
}

TEST_F(Book, an_acknowledgement_of_a_host_that_never_was_active_is_out_of_turn) {
    active("a");
    acknowledged("1", "b");
    EXPECT_EQ(counts().out_of_turn, 1);
}

}  // namespace
}  // namespace understudy::scenario
