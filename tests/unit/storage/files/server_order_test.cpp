// SPDX-License-Identifier: Apache-2.0
// What a client may ask for without waiting, and what is answered past requests that wait.
#include <fcntl.h>

#include "server_fixture.hpp"

namespace understudy::files {
namespace {

struct ServerOrder : ServerTest {
    // The answers in the order they came, of so many.
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
        a.send(4, Tmkdir{0, "d" + std::to_string(i), 0755, 0});  // keeps the walk from being answered at once
        a.send(5, Twalk{0, 2, {name}});
        a.send(6, Tgetattr{2});
        a.send(7, Tlopen{2, O_RDONLY});
        a.send(8, Tread{2, 0, 100});
        a.send(9, Tclunk{2});
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

}  // namespace
}  // namespace understudy::files
