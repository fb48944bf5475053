// SPDX-License-Identifier: Apache-2.0
// Faults as a client meets them.
#include "server_fixture.hpp"

namespace understudy::files {
namespace {

struct ServerFaults : ServerTest {
    bool waiting(std::size_t count) {
        return static_cast<bool>(comes_true(
            "that many requests wait", [count](ExportedShare& it) { return it.faults->waiting() == count; }));
    }
};

TEST_F(ServerFaults, a_stalled_request_is_answered_when_it_is_healed_and_others_pass_it) {
    Client a(at, "a#1");
    EXPECT_EQ(a.create(2, "y"), 0);
    fault("F", "stall", {{"path", "x"}});
    a.send(5, Twrite{1, 0, {"new"}});
    EXPECT_EQ(a.write("other", 0, 2), 0);
    EXPECT_EQ(text(), "old");
    EXPECT_TRUE(heal("F"));
    EXPECT_EQ(a.next().tag, 5);
    EXPECT_EQ(text(), "new");
    EXPECT_FALSE(heal("F"));
}

TEST_F(ServerFaults, a_stalled_request_can_be_given_up) {
    Client a(at, "a#1");
    fault("F", "stall", {{"client", "a"}});
    a.send(5, Twrite{1, 0, {"new"}});
    a.send(6, Tflush{5});
    EXPECT_EQ(a.next().tag, 6);
    EXPECT_TRUE(heal("F"));
    EXPECT_EQ(Client::error_of(a.ask(Tgetattr{1})), 0);
    EXPECT_EQ(text(), "old");
}

TEST_F(ServerFaults, stalled_requests_do_not_keep_a_connection_from_being_read) {
    Client a(at, "a#1");
    fault("F", "stall", {{"path", "x"}});
    for (std::uint16_t tag = 10; tag < 210; ++tag) a.send(tag, Tgetattr{1});
    EXPECT_EQ(Client::error_of(a.ask(Tgetattr{0})), 0);
    EXPECT_TRUE(waiting(200));
    a.close();
    EXPECT_TRUE(waiting(0));
}

TEST_F(ServerFaults, errors_come_as_often_as_the_rate_says_and_again_with_the_seed) {
    Client a(at, "a#1");
    auto failures = [&] {
        fault("F", "error", {{"error", "EDQUOT"}, {"rate", "0.5"}, {"seed", "9"}, {"path", "x"}});
        std::string pattern;
        for (int i = 0; i < 40; ++i) pattern += a.write("w") == EDQUOT ? '!' : '.';
        EXPECT_EQ(Client::error_of(a.ask(Tgetattr{1})), 0);  // needs no space
        heal("F");
        return pattern;
    };
    const std::string first = failures();
    EXPECT_NE(first.find('!'), std::string::npos);
    EXPECT_NE(first.find('.'), std::string::npos);
    EXPECT_EQ(failures(), first);
    EXPECT_EQ(a.write("well"), 0);
}

TEST_F(ServerFaults, a_share_that_is_read_only_is_read) {
    Client a(at, "a#1");
    fault("F", "read-only");
    EXPECT_EQ(a.write("new"), EROFS);
    EXPECT_EQ(a.create(2, "y"), EROFS);
    EXPECT_EQ(a.rename("x", "z"), EROFS);
    EXPECT_EQ(a.set_attribute(1, "user.a", "b"), EROFS);
    Body read = a.ask(Tread{1, 0, 100});
    ASSERT_TRUE(std::holds_alternative<Rread>(read));
    EXPECT_EQ(std::get<Rread>(read).data.value, "old");
    EXPECT_EQ(a.lock_status(0), lock_success);
    heal("F");
    EXPECT_EQ(a.write("new"), 0);
}

TEST_F(ServerFaults, a_slow_share_takes_its_time) {
    Client a(at, "a#1");
    fault("F", "slow", {{"latency", "100ms"}, {"path", "x"}});
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(a.write("new"), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 100ms);
}

TEST_F(ServerFaults, a_client_that_is_cut_off_is_neither_read_nor_answered) {
    Client a(at, "a#1"), b(at, "b#1");
    fault("F", "cut-off", {{"client", "a"}});
    a.send(5, Twrite{1, 0, {"new"}});
    EXPECT_EQ(b.lock_status(0), lock_success);
    Client again(at, "");
    again.send(7, Tattach{0, no_fid, "a#1#resume", "share", no_user});
    EXPECT_EQ(b.write("b's"), 0);
    EXPECT_EQ(text(), "b's");
    heal("F");
    EXPECT_EQ(again.next().tag, 7);
}

TEST_F(ServerFaults, what_a_client_that_is_cut_off_asks_for_is_not_done) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    fault("F", "cut-off", {{"client", "a"}});
    a.send(5, Tclunk{1});  // would free the lock
    for (int i = 0; i < 50; ++i) EXPECT_EQ(b.lock_status(0), lock_blocked);
    heal("F");
    EXPECT_EQ(a.next().tag, 5);
    EXPECT_EQ(b.lock_status(0), lock_success);
}

TEST_F(ServerFaults, a_client_that_is_cut_off_is_answered_when_it_is_healed) {
    Client a(at, "a#1");
    fault("F", "cut-off", {{"client", "a"}});
    a.send(5, Twrite{1, 0, {"new"}});
    heal("F");
    EXPECT_EQ(a.next().tag, 5);
    EXPECT_EQ(text(), "new");
}

}  // namespace
}  // namespace understudy::files
