// SPDX-License-Identifier: Apache-2.0
// What a client may ask for without waiting, and what is answered past requests that wait.
#include <fcntl.h>

#include "server_fixture.hpp"

namespace understudy::files {
namespace {

struct ServerOrder : ServerTest {
    // The answers by their tags, of so many.
    static std::map<std::uint16_t, Body> answers(Client& client, std::size_t count) {
        std::map<std::uint16_t, Body> all;
        for (std::size_t i = 0; i < count; ++i) {
            Message answer = client.next();
            all[answer.tag] = std::move(answer.body);
        }
        return all;
    }
};

TEST_F(ServerOrder, a_fid_can_be_used_before_the_walk_to_it_was_answered) {
    Client a(at, "a#1");
    for (int i = 0; i < 200; ++i) {
        const std::string name = "new" + std::to_string(i);
        std::ofstream(directory + "/data/" + name) << "text";
        a.send_together(
            {{4, Tmkdir{0, "d" + std::to_string(i), 0755, 0}},  // so that the walk is not answered at once
             {5, Twalk{0, 2, {name}}},
             {6, Tgetattr{2}},
             {7, Tlopen{2, O_RDONLY}},
             {8, Tread{2, 0, 100}},
             {9, Tclunk{2}}});
        auto all = answers(a, 6);
        ASSERT_TRUE(std::holds_alternative<Rgetattr>(all[6])) << Client::error_of(all[6]);
        EXPECT_EQ(std::get<Rgetattr>(all[6]).size, 4U);
        ASSERT_TRUE(std::holds_alternative<Rread>(all[8])) << Client::error_of(all[8]);
        EXPECT_EQ(std::get<Rread>(all[8]).data.value, "text");
        EXPECT_TRUE(std::holds_alternative<Rclunk>(all[9]));
    }
}

TEST_F(ServerOrder, what_follows_a_walk_that_fails_is_refused) {
    Client a(at, "a#1");
    a.send(5, Twalk{0, 2, {"none"}});
    a.send(6, Tgetattr{2});
    auto all = answers(a, 2);
    EXPECT_EQ(Client::error_of(all[5]), ENOENT);
    EXPECT_EQ(Client::error_of(all[6]), EBADF);
}

TEST_F(ServerOrder, what_waits_for_a_stalled_walk_can_be_given_up_and_others_pass_it) {
    Client a(at, "a#1");
    fault("F", "stall", {{"path", "y"}});
    a.send(5, Twalk{0, 2, {"y"}});
    for (std::uint16_t tag = 100; tag < 300; ++tag) a.send(tag, Tgetattr{2});
    EXPECT_EQ(Client::error_of(a.ask(Tgetattr{0})), 0);  // read and answered past two hundred that wait
    a.send(6, Tflush{100});
    EXPECT_EQ(a.next().tag, 6);
    heal("F");
    auto all = answers(a, 200);
    EXPECT_EQ(Client::error_of(all[5]), ENOENT);
    EXPECT_FALSE(all.contains(100));
    EXPECT_EQ(Client::error_of(all[101]), EBADF);
}

TEST_F(ServerOrder, a_status_asked_for_after_a_write_on_the_same_fid_tells_of_it) {
    Client a(at, "a#1");
    const std::string text(512 << 10, 'w');
    for (std::uint64_t i = 0; i < 50; ++i) {
        a.send(5, Twrite{1, i * text.size(), {text}});
        a.send(6, Tgetattr{1});
        a.send(7, Tread{1, (i + 1) * text.size() - 1, 10});
        auto all = answers(a, 3);
        EXPECT_EQ(std::get<Rgetattr>(all[6]).size, (i + 1) * text.size());
        EXPECT_EQ(std::get<Rread>(all[7]).data.value, "w");
    }
}

TEST_F(ServerOrder, long_messages_come_whole_in_both_directions) {
    Client a(at, "a#1");
    std::string text(1 << 20, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 4);
    EXPECT_EQ(a.write(text), 0);
    for (std::uint16_t tag = 10; tag < 14; ++tag) a.send(tag, Tread{1, 0, 1 << 20});
    for (auto& [tag, answer] : answers(a, 4)) EXPECT_TRUE(std::get<Rread>(answer).data.value == text) << tag;
    EXPECT_EQ(this->text() == text, true);
}

// What memory answers is answered at once, but not past what a fault says about it.
TEST_F(ServerOrder, faults_befall_what_would_be_answered_at_once) {
    Client a(at, "a#1");
    EXPECT_EQ(Client::error_of(a.ask(Tgetattr{1})), 0);
    fault("F", "error", {{"error", "EIO"}, {"path", "x"}});
    EXPECT_EQ(Client::error_of(a.ask(Tgetattr{1})), EIO);
    EXPECT_EQ(Client::error_of(a.ask(Tread{1, 0, 10})), EIO);
    EXPECT_EQ(Client::error_of(a.ask(Twalk{0, 3, {"x"}})), EIO);
    EXPECT_EQ(Client::error_of(a.ask(Tclunk{1})), 0);
    heal("F");
    EXPECT_EQ(a.open(1, "x"), 0);
}

// All but long copies is answered at once there.
struct ServerInMemory : ServerOrder {
    void SetUp() override {
        if (!std::filesystem::is_directory(place())) GTEST_SKIP() << place() << " is missing";
        ServerOrder::SetUp();
        if (with_share([](ExportedShare& it) { return it.share->waits(); }) != WaitsFor::nothing)
            GTEST_SKIP() << place() << " is not in memory";
    }
    std::string place() const override { return "/dev/shm"; }
    void configure(ExportConfig& config) override { config.quota_bytes = quota; }
    static constexpr std::uint64_t quota = 2 << 20;
};

TEST_F(ServerInMemory, what_is_short_does_not_pass_what_is_long_on_the_same_fid) {
    Client a(at, "a#1");
    for (int i = 0; i < 100; ++i) {
        a.send_together(
            {{5, Twrite{1, 0, {std::string(1 << 20, 'a')}}}, {6, Twrite{1, 0, {"b"}}}, {7, Tread{1, 0, 2}}});
        auto all = answers(a, 3);
        ASSERT_TRUE(std::holds_alternative<Rread>(all[7]));
        ASSERT_EQ(std::get<Rread>(all[7]).data.value, "ba");
    }
}

TEST_F(ServerInMemory, quotas_fences_and_faults_apply_to_what_is_answered_at_once) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.write("aaaa", quota - 2), 0);  // what fits
    EXPECT_EQ(a.write("a", quota), ENOSPC);
    EXPECT_EQ(a.write("aa"), 0);
    EXPECT_EQ(a.lock_status(0), lock_success);
    EXPECT_EQ(a.set_attribute(1, "user.understudy.fence", "1"), 0);
    EXPECT_EQ(a.lock_status(0, lock_unlock), lock_success);
    EXPECT_EQ(b.lock_status(0), lock_success);
    EXPECT_EQ(a.write("stale"), ESTALE);
    fault("F", "read-only");
    EXPECT_EQ(b.write("b"), EROFS);
    EXPECT_EQ(b.create(2, "y"), EROFS);
    EXPECT_EQ(Client::error_of(b.ask(Tunlinkat{0, "x", 0})), EROFS);
    heal("F");
    EXPECT_EQ(b.create(3, "y"), 0);
    EXPECT_EQ(Client::error_of(b.ask(Tunlinkat{0, "y", 0})), 0);
    with_share([](ExportedShare& it) {
        for (const auto& session : it.sessions->machine().sessions())
            if (session.client == "b") it.sessions->end(session.session, "test");
        return 0;
    });
    EXPECT_TRUE(std::holds_alternative<Rlerror>(b.next().body));  // no answer: its connection is over
    EXPECT_EQ(text().substr(0, 2), "aa");
}

}  // namespace
}  // namespace understudy::files
