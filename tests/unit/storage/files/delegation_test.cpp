// SPDX-License-Identifier: Apache-2.0
// The share's delegation as clients meet it.
#include "server_fixture.hpp"
#include "storage/files/core/session_machine.hpp"

namespace understudy::files {
namespace {

constexpr std::uint32_t delegation = 50;

struct ServerDelegation : ServerTest {
    void configure(ExportConfig& config) override { config.delegate_after = 0s; }
    static int take(Client& client) {
        return Client::error_of(client.ask(Txattrwalk{0, delegation, std::string(delegation_attribute)}));
    }
    std::string holder() {
        return with_share([](ExportedShare& it) {
            const auto session = it.sessions->machine().delegation().holder();
            return session ? it.sessions->machine().client_of(*session) : std::string();
        });
    }
    bool waiting(std::size_t count) {
        return static_cast<bool>(comes_true("that many changes wait", [count](ExportedShare& it) {
            return it.sessions->machine().delegation().waiting() == count;
        }));
    }
};

TEST_F(ServerDelegation, a_change_by_another_waits_until_it_was_given_back) {
    Client a(at, "a#1"), b(at, "b#1");
    ASSERT_EQ(take(a), 0);
    EXPECT_EQ(take(b), EBUSY);
    a.send(5, Tread{delegation, 0, 1});
    EXPECT_EQ(a.write("mine"), 0);                       // the holder's own
    EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);  // reading
    EXPECT_EQ(b.lock_status(0), lock_success);           // nothing is changed by a lock
    b.send(5, Twrite{1, 0, {"new"}});
    EXPECT_EQ(a.next().tag, 5);
    EXPECT_TRUE(waiting(1));
    EXPECT_EQ(text(), "mine");
    EXPECT_EQ(Client::error_of(a.ask(Tclunk{delegation})), 0);
    EXPECT_EQ(b.next().tag, 5);
    EXPECT_EQ(text(), "newe");
    EXPECT_EQ(holder(), "");
    EXPECT_EQ(take(b), 0);
}

TEST_F(ServerDelegation, a_recall_that_came_first_is_told_when_it_is_asked_for) {
    Client a(at, "a#1"), b(at, "b#1");
    ASSERT_EQ(take(a), 0);
    b.send(5, Tunlinkat{0, "x", 0});
    EXPECT_TRUE(waiting(1));
    EXPECT_TRUE(std::holds_alternative<Rread>(a.ask(Tread{delegation, 0, 1})));
    a.ask(Tclunk{delegation});
    EXPECT_EQ(b.next().tag, 5);
}

TEST_F(ServerDelegation, every_kind_of_change_recalls_it) {
    Client a(at, "a#1"), b(at, "b#1");
    ASSERT_EQ(b.create(2, "y"), 0);
    b.ask(Twalk{1, 8, {}});
    b.ask(Twalk{0, 9, {"x"}});
    b.ask(Twalk{0, 10, {}});
    b.ask(Twalk{0, 11, {}});
    Tsetattr mode;
    mode.fid = 1;
    mode.valid = setattr_mode;
    mode.mode = 0600;
    const std::vector<Body> changes = {Twrite{1, 0, {"w"}},
                                       mode,
                                       Tlopen{9, 01000 | 2},  // O_TRUNC
                                       Tlcreate{10, "c", 2, 0644, 0},
                                       Tmkdir{0, "d", 0755, 0},
                                       Tsymlink{0, "s", "x", 0},
                                       Tmknod{0, "p", S_IFIFO | 0600, 0, 0, 0},
                                       Tlink{0, 1, "l"},
                                       Trenameat{0, "l", 0, "m"},
                                       Tunlinkat{0, "m", 0},
                                       Txattrcreate{8, "user.k", 1, 0},
                                       Twrite{8, 0, {"v"}},
                                       Tclunk{8},
                                       Tremove{2}};
    for (const Body& change : changes) {
        ASSERT_EQ(take(a), 0) << change.index();
        b.send(5, change);
        EXPECT_TRUE(waiting(1)) << change.index();
        a.ask(Tclunk{delegation});
        const Message answer = b.next();
        EXPECT_EQ(answer.tag, 5);
        EXPECT_EQ(Client::error_of(answer.body), 0) << change.index();
    }
}

TEST_F(ServerDelegation, a_change_that_waits_can_be_given_up) {
    Client a(at, "a#1"), b(at, "b#1");
    ASSERT_EQ(take(a), 0);
    b.send(5, Twrite{1, 0, {"new"}});
    b.send(6, Tflush{5});
    EXPECT_EQ(b.next().tag, 6);
    EXPECT_TRUE(waiting(0));
    a.ask(Tclunk{delegation});
    EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);
    EXPECT_EQ(text(), "old");
}

TEST_F(ServerDelegation, a_client_holds_it_without_a_connection_until_it_is_back_by_another) {
    Client a(at, "a#1"), b(at, "b#1");
    ASSERT_EQ(take(a), 0);
    b.send(5, Twrite{1, 0, {"new"}});
    EXPECT_TRUE(waiting(1));
    a.close();
    EXPECT_EQ(b.lock_status(0), lock_success);
    EXPECT_TRUE(waiting(1));
    EXPECT_EQ(text(), "old");
    Client again(at, "a#1#resume");
    EXPECT_EQ(b.next().tag, 5);
    EXPECT_EQ(text(), "new");
}

TEST_F(ServerDelegation, a_restarted_service_still_lets_others_wait_for_its_holder) {
    {
        Client a(at, "a#1");
        ASSERT_EQ(take(a), 0);
        stop();
    }
    start();
    Client b(at, "b#1");
    b.send(5, Twrite{1, 0, {"new"}});
    EXPECT_TRUE(waiting(1));
    EXPECT_EQ(text(), "old");
    Client a(at, "a#1#resume");
    EXPECT_EQ(b.next().tag, 5);
    EXPECT_EQ(text(), "new");
}

TEST_F(ServerDelegation, while_a_fault_is_in_force_nobody_has_it) {
    Client a(at, "a#1");
    ASSERT_EQ(take(a), 0);
    a.send(5, Tread{delegation, 0, 1});
    fault("F", "slow", {{"latency", "1ms"}});
    EXPECT_EQ(a.next().tag, 5);
    a.ask(Tclunk{delegation});
    EXPECT_EQ(take(a), EBUSY);
    EXPECT_TRUE(heal("F"));
    EXPECT_EQ(take(a), 0);
}

TEST_F(ServerDelegation, a_client_without_a_lease_cannot_have_it) {
    Client kernel(at, "kernel");
    EXPECT_EQ(take(kernel), EOPNOTSUPP);
    EXPECT_EQ(Client::error_of(kernel.ask(Txattrwalk{1, delegation, std::string(delegation_attribute)})),
              EOPNOTSUPP);
}

TEST_F(ServerDelegation, it_is_held_once_and_ends_with_a_new_version) {
    Client a(at, "a#1"), b(at, "b#1");
    ASSERT_EQ(take(a), 0);
    EXPECT_EQ(Client::error_of(a.ask(Txattrwalk{0, 51, std::string(delegation_attribute)})), EBUSY);
    EXPECT_EQ(holder(), "a");
    a.ask(Tversion{max_message_bytes, "9P2000.L"});
    EXPECT_EQ(take(b), 0);
}

}  // namespace
}  // namespace understudy::files
