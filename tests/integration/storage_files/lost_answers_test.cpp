// SPDX-License-Identifier: Apache-2.0
// What happens to locks when an answer, or a request, is lost together with its connection: nobody keeps a
// lock that nobody knows of, and whoever was told that he has it has it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mounts.hpp"
#include "storage/files/core/message.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

class LostAnswers : public MountsOfTwo {
  protected:
    void SetUp() override {
        begin("10s", true);
        if (IsSkipped() || HasFatalFailure()) return;
        here = open(at_a("lock"));
        there = open(at_b("lock"));
    }
    bool is_free_for_b() {
        return test::eventually([&] { return lock(there.get()) == 0; }) && lock(there.get(), F_UNLCK) == 0;
    }
    // A process on host a that waits for the lock. Ended with 0 when it got it.
    std::unique_ptr<Child> waiter() {
        auto child =
            std::make_unique<Child>([this] { return lock(open(at_a("lock")).get(), F_WRLCK, F_SETLKW); });
        const std::size_t before = server->count("lock_waits");
        EXPECT_TRUE(
            test::eventually([&] { return server->count("lock_waits") > before || child->has_ended(1ms); }));
        return child;
    }
    bool is_back(std::size_t times) {
        return test::eventually([&] { return a->count("ready") >= times + 1; });
    }

    io::UniqueFd here, there;
};

TEST_F(LostAnswers, a_grant_that_was_lost_is_given_again) {
    relay->lose_next(Rlock::type_number);
    EXPECT_EQ(lock(here.get()), 0);
    EXPECT_TRUE(relay->has_lost());
    EXPECT_EQ(lock(there.get()), EAGAIN);
    EXPECT_EQ(lock(here.get(), F_UNLCK), 0);
    EXPECT_TRUE(is_free_for_b());
}

TEST_F(LostAnswers, a_connection_lost_while_the_lease_is_asked_for_costs_no_lock) {
    ASSERT_EQ(lock(here.get()), 0);
    for (std::size_t times = 1; times <= 2; ++times) {
        relay->end_connections();
        relay->lose_next(times == 1 ? Rxattrwalk::type_number : Rread::type_number);
        ASSERT_TRUE(is_back(times));
        EXPECT_TRUE(relay->has_lost());
        EXPECT_EQ(lock(there.get()), EAGAIN);
    }
    EXPECT_EQ(a->count("session_lost"), 0U);
    EXPECT_EQ(lock(here.get(), F_UNLCK), 0);
    EXPECT_TRUE(is_free_for_b());
}

// Each process looks the name up anew, which replaces the fid that the other's open may be walking from.
TEST_F(LostAnswers, opening_goes_on_however_often_the_connection_is_lost) {
    const auto opening = [this] {
        for (;;)
            if (const io::UniqueFd file(::open(at_a("lock").c_str(), O_RDWR | O_CLOEXEC)); !file.valid())
                return errno;
    };
    Child one(opening), other(opening);
    for (std::size_t times = 1; times <= 200; ++times) {
        relay->end_connections();
        ASSERT_TRUE(is_back(times));
        ASSERT_FALSE(one.has_ended(0s)) << "errno " << WEXITSTATUS(one.status());
        ASSERT_FALSE(other.has_ended(0s)) << "errno " << WEXITSTATUS(other.status());
    }
    EXPECT_EQ(a->count("session_lost"), 0U);
}

TEST_F(LostAnswers, an_unlock_that_was_lost_is_done_all_the_same) {
    for (std::uint8_t lost : {Tlock::type_number, Rlock::type_number}) {
        ASSERT_EQ(lock(here.get()), 0);
        relay->lose_next(lost);
        EXPECT_EQ(lock(here.get(), F_UNLCK), 0);
        EXPECT_TRUE(relay->has_lost());
        EXPECT_TRUE(is_free_for_b());
    }
}

TEST_F(LostAnswers, the_lock_of_a_killed_process_is_freed_though_its_unlock_was_lost) {
    for (std::uint8_t lost : {Tlock::type_number, Rlock::type_number}) {
        Child holder([&] {
            io::UniqueFd file = open(at_a("lock"));
            // Waits: the other host tries the lock meanwhile, and must not turn this one away by that.
            return lock(file.get(), F_WRLCK, F_SETLKW) == 0 ? ::pause() : 1;
        });
        ASSERT_TRUE(
            test::eventually([&] { return lock(there.get()) == EAGAIN || lock(there.get(), F_UNLCK) != 0; }));
        relay->lose_next(lost);
        holder.kill();
        ASSERT_TRUE(holder.has_ended(10s));
        EXPECT_TRUE(is_free_for_b());
        EXPECT_TRUE(relay->has_lost());
    }
}

TEST_F(LostAnswers, a_waiter_that_is_killed_while_its_grant_is_on_the_way_leaves_no_lock) {
    ASSERT_EQ(lock(there.get()), 0);
    std::unique_ptr<Child> waiting = waiter();
    const std::size_t granted = server->count("lock_granted");
    relay->hold_answers(true);
    ASSERT_EQ(lock(there.get(), F_UNLCK), 0);
    ASSERT_TRUE(test::eventually([&] { return server->count("lock_granted") > granted; }));
    waiting->kill();
    EXPECT_TRUE(waiting->has_ended(10s));
    relay->end_connections();
    relay->hold_answers(false);
    EXPECT_TRUE(is_free_for_b());
}

TEST_F(LostAnswers, a_waiter_that_is_killed_just_before_its_grant_arrives_leaves_no_lock) {
    ASSERT_EQ(lock(there.get()), 0);
    std::unique_ptr<Child> waiting = waiter();
    const std::size_t granted = server->count("lock_granted");
    relay->hold_answers(true);
    ASSERT_EQ(lock(there.get(), F_UNLCK), 0);
    ASSERT_TRUE(test::eventually([&] { return server->count("lock_granted") > granted; }));
    waiting->kill();
    EXPECT_TRUE(waiting->has_ended(10s));
    relay->hold_answers(false);
    EXPECT_TRUE(is_free_for_b());
    EXPECT_EQ(a->count("not_ready"), 0U);
}

TEST_F(LostAnswers, a_waiter_that_is_killed_is_given_up_though_that_was_lost) {
    for (std::uint8_t lost : {Tflush::type_number, Rflush::type_number}) {
        ASSERT_EQ(lock(there.get()), 0);
        std::unique_ptr<Child> waiting = waiter();
        relay->lose_next(lost);
        waiting->kill();
        EXPECT_TRUE(waiting->has_ended(10s));
        ASSERT_EQ(lock(there.get(), F_UNLCK), 0);
        EXPECT_TRUE(is_free_for_b());
        EXPECT_TRUE(relay->has_lost());
    }
}

TEST_F(LostAnswers, a_shared_lock_stays_when_the_wait_for_more_is_interrupted) {
    ASSERT_EQ(lock(here.get(), F_RDLCK), 0);
    ASSERT_EQ(lock(there.get(), F_RDLCK), 0);
    // In this process: fcntl's locks are a process's.
    struct sigaction action = {}, before = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &before);
    ::alarm(1);
    EXPECT_EQ(lock(here.get(), F_WRLCK, F_SETLKW), EINTR);
    ::sigaction(SIGALRM, &before, nullptr);
    EXPECT_EQ(lock(there.get(), F_WRLCK), EAGAIN) << "the shared lock must still be there";
    EXPECT_EQ(lock(here.get(), F_UNLCK), 0);
    EXPECT_EQ(lock(there.get(), F_WRLCK), 0);
}

TEST_F(LostAnswers, whoever_waits_for_a_lock_waits_on_over_a_lost_connection) {
    ASSERT_EQ(lock(there.get()), 0);
    std::unique_ptr<Child> waiting = waiter();
    relay->end_connections();
    ASSERT_TRUE(is_back(1));
    EXPECT_FALSE(waiting->has_ended(200ms));
    ASSERT_EQ(lock(there.get(), F_UNLCK), 0);
    ASSERT_TRUE(waiting->has_ended(10s));
    EXPECT_EQ(waiting->status(), 0);
}

TEST_F(LostAnswers, whole_file_locks_are_repaired_too) {
    ASSERT_EQ(::flock(there.get(), LOCK_EX), 0);
    Child waiting([&] { return ::flock(open(at_a("lock")).get(), LOCK_EX) == 0 ? 0 : 1; });
    ASSERT_TRUE(test::eventually([&] { return server->count("lock_waits") == 1; }));
    relay->lose_next(Rflush::type_number);
    waiting.kill();
    ASSERT_TRUE(waiting.has_ended(10s));
    ASSERT_EQ(::flock(there.get(), LOCK_UN), 0);
    EXPECT_TRUE(test::eventually([&] { return ::flock(there.get(), LOCK_EX | LOCK_NB) == 0; }));
}

class LongWaits : public MountsOfTwo {};

TEST_F(LongWaits, a_wait_longer_than_the_lease_outlives_a_short_loss_of_the_connection) {
    begin("2s", true);
    io::UniqueFd there = open(at_b("lock"));
    ASSERT_EQ(lock(there.get()), 0);
    Child waiting([&] { return lock(open(at_a("lock")).get(), F_WRLCK, F_SETLKW); });
    EXPECT_FALSE(waiting.has_ended(3s));
    relay->end_connections();
    ASSERT_TRUE(test::eventually([&] { return a->count("ready") == 2; }));
    EXPECT_FALSE(waiting.has_ended(200ms));
    ASSERT_EQ(lock(there.get(), F_UNLCK), 0);
    ASSERT_TRUE(waiting.has_ended(10s));
    EXPECT_EQ(waiting.status(), 0);
    EXPECT_EQ(a->count("session_lost"), 0U);
}

TEST_F(LongWaits, who_waits_while_the_server_is_in_its_time_of_reclaims_is_served_when_that_ends) {
    begin("4s", false);
    put(at_a("free"), "");
    io::UniqueFd here = open(at_a("lock"));
    ASSERT_EQ(lock(here.get()), 0);
    // Host a's mount dies together with the server: it reclaims nothing, and only its lease's end tells.
    a->signal(SIGKILL);
    a->wait();
    server->signal(SIGKILL);
    server->wait();
    start_server();
    Child free([&] { return lock(open(at_b("free")).get(), F_WRLCK, F_SETLKW); });
    Child taken([&] { return lock(open(at_b("lock")).get(), F_WRLCK, F_SETLKW); });
    ASSERT_TRUE(free.has_ended(15s));
    ASSERT_TRUE(taken.has_ended(15s));
    EXPECT_EQ(free.status(), 0);
    EXPECT_EQ(taken.status(), 0);
}

}  // namespace
}  // namespace understudy::files::testing
