// SPDX-License-Identifier: Apache-2.0
// What waits, what is given up, a client of an old epoch, and what ends with a fid or a session.
#include "server_fixture.hpp"

namespace understudy::files {
namespace {

TEST_F(ServerTest, a_lock_that_is_waited_for_is_answered_when_it_is_free) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    EXPECT_EQ(b.lock_status(0), lock_blocked);
    b.send(5, Client::lock(lock_flag_block));
    EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);  // answered past it
    EXPECT_EQ(a.lock_status(0, lock_unlock), lock_success);
    Message answer = b.next();
    EXPECT_EQ(answer.tag, 5);
    ASSERT_TRUE(std::holds_alternative<Rlock>(answer.body));
    EXPECT_EQ(std::get<Rlock>(answer.body).status, lock_success);
    EXPECT_EQ(a.lock_status(0), lock_blocked);
}

TEST_F(ServerTest, a_flushed_lock_is_not_answered_and_never_granted) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Client::lock(lock_flag_block));
    b.send(6, Tflush{5});
    Message answer = b.next();
    EXPECT_EQ(answer.tag, 6);
    EXPECT_TRUE(std::holds_alternative<Rflush>(answer.body));
    a.lock_status(0, lock_unlock);
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Tgetattr{1});  // the tag is free again
    EXPECT_EQ(b.next().tag, 5);
}

TEST_F(ServerTest, a_waiter_s_lock_goes_with_its_connection) {
    Client a(at, "a#1"), c(at, "c#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    {
        Client b(at, "b#1");
        b.send(5, Client::lock(lock_flag_block));
        EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);
        b.close();
    }
    c.send(5, Client::lock(lock_flag_block));
    EXPECT_EQ(Client::error_of(c.ask(Tgetattr{1})), 0);
    Client again(at, "b#1#resume");  // waits until the old connection has nothing running
    a.lock_status(0, lock_unlock);
    EXPECT_EQ(c.next().tag, 5);
}

TEST_F(ServerTest, a_circle_of_waiters_is_answered_as_a_deadlock) {
    Client a(at, "a#1");
    Tlock one{1, lock_write, lock_flag_block, 0, 1, 1, "p"},
        two{1, lock_write, lock_flag_block, 1, 1, 2, "q"};
    EXPECT_EQ(Client::error_of(a.ask(one)), 0);
    EXPECT_EQ(Client::error_of(a.ask(two)), 0);
    std::swap(one.start, two.start);
    a.send(5, one);
    EXPECT_EQ(Client::error_of(a.ask(two)), EDEADLK);
}

TEST_F(ServerTest, a_client_of_an_old_epoch_writes_nothing_and_neither_does_it_after_a_restart) {
    auto a = std::make_unique<Client>(at, "a#1");
    auto b = std::make_unique<Client>(at, "b#1");
    EXPECT_EQ(a->attribute(1, "user.understudy.fence"), "0");
    EXPECT_EQ(a->lock_status(0), lock_success);
    EXPECT_EQ(a->attribute(1, "user.understudy.fence"), "1");
    EXPECT_EQ(a->set_attribute(1, "user.understudy.fence", "7"), EINVAL);  // no such number was given
    EXPECT_EQ(a->set_attribute(1, "user.understudy.fence", "1x"), EINVAL);
    EXPECT_EQ(a->set_attribute(1, "user.understudy.other", "1"), EPERM);
    EXPECT_EQ(a->set_attribute(1, "user.understudy.fence", "1"), 0);
    EXPECT_EQ(a->write("first"), 0);
    a->lock_status(0, lock_unlock);
    EXPECT_EQ(b->lock_status(0), lock_success);
    EXPECT_EQ(b->attribute(0, "user.understudy.fence"), "2");

    EXPECT_EQ(a->write("STALE"), ESTALE);
    EXPECT_EQ(a->set_attribute(1, "user.understudy.fence", "1"), ESTALE);
    Tsetattr resize;
    resize.fid = 1;
    resize.valid = setattr_size;
    EXPECT_EQ(Client::error_of(a->ask(resize)), ESTALE);
    EXPECT_EQ(b->write("later"), 0);
    EXPECT_EQ(text(), "later");

    a.reset();
    b.reset();
    stop();
    start();
    Client resumed(at, "a#1#resume");
    EXPECT_EQ(resumed.write("STALE"), ESTALE);
    EXPECT_EQ(text(), "later");
    EXPECT_EQ(resumed.attribute(0, "user.understudy.fence"), std::to_string(fence_block));
    Client fresh(at, "a#2");
    EXPECT_EQ(fresh.write("fresh"), 0);
}

TEST_F(ServerTest, a_lock_goes_with_the_last_fid_of_its_file) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.open(2, "x"), 0);
    EXPECT_EQ(a.lock_status(0), lock_success);
    a.ask(Tclunk{1});
    EXPECT_EQ(b.lock_status(0), lock_blocked);
    a.ask(Tclunk{2});
    EXPECT_EQ(b.lock_status(0), lock_success);
}

TEST_F(ServerTest, a_lock_that_is_not_reclaimed_after_a_reconnection_is_free) {
    auto a = std::make_unique<Client>(at, "a#1");
    Client b(at, "b#1");
    EXPECT_EQ(a->create(2, "y"), 0);
    EXPECT_EQ(a->lock_status(0), lock_success);
    EXPECT_EQ(Client::error_of(a->ask(Tlock{2, lock_write, 0, 0, 10, 1, "p"})), 0);
    a->close();
    Client again(at, "a#1#resume");  // opens x
    EXPECT_EQ(b.open(2, "y"), 0);
    auto lock_of_y = [&] {
        Body answer = b.ask(Tlock{2, lock_write, 0, 0, 10, 1, "p"});
        const auto* it = std::get_if<Rlock>(&answer);
        return it == nullptr ? -1 : it->status;
    };
    EXPECT_EQ(lock_of_y(), lock_blocked);
    EXPECT_EQ(Client::error_of(again.ask(Tstatfs{0})), 0);  // what is still wanted was opened by now
    EXPECT_EQ(lock_of_y(), lock_success);
    EXPECT_EQ(b.lock_status(0), lock_blocked);
}

TEST_F(ServerTest, a_waiter_is_told_of_its_lock_after_the_ended_session_has_nothing_running) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Client::lock(lock_flag_block));
    EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);
    const std::uint64_t session = with_share([](ExportedShare& it) {
        for (const auto& listed : it.sessions->machine().sessions())
            if (listed.client == "a") return listed.session;
        return std::uint64_t{0};
    });
    const auto gate = with_share([&](ExportedShare& it) { return it.sessions->gate(session); });
    auto running = std::make_unique<SessionGate::Pass>(*gate);
    ASSERT_TRUE(*running);
    boost::asio::post(*context, [&] { server->shares().at("share").sessions->end(session, "test"); });
    auto answer = std::async(std::launch::async, [&] { return b.next().tag; });
    EXPECT_EQ(answer.wait_for(200ms), std::future_status::timeout);
    running.reset();
    EXPECT_EQ(answer.get(), 5);
    EXPECT_FALSE(SessionGate::Pass(*gate));
}

TEST_F(ServerTest, what_a_session_that_ended_still_had_to_write_is_not_written) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Client::lock(lock_flag_block));
    // Writes on their way in the pool while the session ends: each landed before the other has the lock, or
    // never does.
    for (std::uint16_t tag = 10; tag < 60; ++tag) a.send(tag, Twrite{1, 0, {std::string(65536, 'a')}});
    with_share([](ExportedShare& it) {
        for (const auto& session : it.sessions->machine().sessions())
            if (session.client == "a") it.sessions->end(session.session, "test");
        return 0;
    });
    EXPECT_EQ(b.next().tag, 5);
    EXPECT_EQ(b.write(std::string(65536, 'b')), 0);
    stop();
    EXPECT_EQ(text(), std::string(65536, 'b'));
}

}  // namespace
}  // namespace understudy::files
