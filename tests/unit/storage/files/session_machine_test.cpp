// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/session_machine.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "base/random.hpp"
#include "tests/unit/storage/files/one_file.hpp"

namespace understudy::files {
namespace {

const SessionRecord one_of_before{{{"a", "1"}}, 0, {}, {}, {}};

std::string words(const SessionAction& action) {
    if (const auto* it = std::get_if<SessionOpened>(&action))
        return it->client + (it->resumed ? " resumed" : " opened");
    if (const auto* it = std::get_if<SessionEnded>(&action)) return it->client + " ended: " + it->reason;
    if (const auto* it = std::get_if<SessionExpired>(&action)) return it->client + " expired";
    const auto& it = std::get<LockChanged>(action);
    const char* names[] = {"granted", "released", "refused", "expired"};
    return fmt::format("{} lock {}{}", it.client, names[static_cast<int>(it.what)],
                       it.holder.empty() ? "" : " by " + it.holder);
}

struct SessionMachineTest : testing::Test {
    SessionMachine machine{30s};

    std::uint64_t attach(const std::string& user, Instant now = start) {
        AttachOutcome outcome = machine.attach(*parse_client_name(user), now);
        const auto* attached = std::get_if<Attached>(&outcome);
        return attached == nullptr ? 0 : attached->session;
    }
    LockOutcome lock(std::uint64_t session, Instant now = start, bool reclaim = false) {
        return machine.lock(file, {{session, 1, "p"}, {0, 9}, LockMode::exclusive}, reclaim, now);
    }
    std::vector<std::string> actions() {
        std::vector<std::string> all;
        for (const SessionAction& action : machine.take_actions())
            if (!std::holds_alternative<FencesChanged>(action)) all.push_back(words(action));
        return all;
    }
};
using Words = std::vector<std::string>;

TEST_F(SessionMachineTest, names_are_read_and_nonsense_is_refused) {
    EXPECT_EQ(parse_client_name("a")->incarnation, "");
    EXPECT_EQ(parse_client_name("a#1")->incarnation, "1");
    EXPECT_TRUE(parse_client_name("a#1#resume")->resume);
    EXPECT_EQ(to_user_name(*parse_client_name("a#1#resume")), "a#1#resume");
    for (const char* wrong : {"", "#1", "a#", "a##resume", "a#1#again", "a#1#", "a\n#1", "a\x7f#1"})
        EXPECT_FALSE(parse_client_name(wrong)) << wrong;
    EXPECT_FALSE(parse_client_name(std::string(129, 'a')));
}

TEST_F(SessionMachineTest, a_silent_client_s_locks_are_freed_exactly_when_its_lease_ends) {
    std::uint64_t a = attach("a#1"), b = attach("b#1");
    EXPECT_EQ(lock(a), LockOutcome::granted);
    machine.heard(b, start + 20s);
    EXPECT_EQ(machine.next_deadline()->when, start + 30s);
    machine.on_timeout(start + 30s - 1ns);
    EXPECT_EQ(lock(b, start + 30s - 1ns), LockOutcome::conflict);
    machine.on_timeout(start + 30s);
    EXPECT_EQ(lock(b, start + 30s), LockOutcome::granted);
    EXPECT_EQ(actions(), (Words{"a opened", "b opened", "a lock granted", "b lock refused by a", "a expired",
                                "a lock expired", "b lock granted"}));
}

TEST_F(SessionMachineTest, messages_renew_the_lease) {
    std::uint64_t a = attach("a#1");
    for (int i = 1; i <= 10; ++i) {
        machine.on_timeout(start + i * 29s);
        ASSERT_TRUE(machine.is_live(a));
        machine.heard(a, start + i * 29s);
    }
}

TEST_F(SessionMachineTest, a_client_that_comes_back_within_its_lease_keeps_its_locks) {
    std::uint64_t a = attach("a#1");
    lock(a);
    EXPECT_EQ(attach("a#1#resume", start + 29s), a);
    EXPECT_EQ(lock(attach("b#1", start + 50s), start + 50s), LockOutcome::conflict);
}

TEST_F(SessionMachineTest, a_client_that_comes_back_too_late_is_refused_for_good) {
    std::uint64_t a = attach("a#1");
    lock(a);
    AttachOutcome outcome = machine.attach(*parse_client_name("a#1#resume"), start + 30s);
    ASSERT_TRUE(std::holds_alternative<AttachRefused>(outcome));
    EXPECT_TRUE(std::get<AttachRefused>(outcome).stale);
    EXPECT_EQ(attach("a#1", start + 31s), 0U);
    EXPECT_NE(attach("a#2", start + 31s), 0U);
    EXPECT_EQ(lock(a, start + 31s), LockOutcome::stale);
}

TEST_F(SessionMachineTest, a_new_incarnation_frees_the_old_one_s_locks_at_once_and_the_old_never_returns) {
    lock(attach("a#1"));
    std::uint64_t fresh = attach("a#2");
    EXPECT_EQ(actions(), (Words{"a opened", "a lock granted", "a ended: superseded by a new incarnation",
                                "a lock released", "a opened"}));
    EXPECT_EQ(lock(attach("b#1")), LockOutcome::granted);
    EXPECT_EQ(attach("a#1#resume"), 0U);
    EXPECT_EQ(attach("a#1"), 0U);
    EXPECT_TRUE(machine.is_live(fresh));
}

TEST_F(SessionMachineTest, a_refusal_is_reported_once_however_often_it_is_asked_again) {
    lock(attach("a#1"));
    std::uint64_t b = attach("b#1");
    actions();
    for (int i = 0; i < 5; ++i) lock(b);
    EXPECT_EQ(actions(), Words{"b lock refused by a"});
}

TEST_F(SessionMachineTest, after_a_restart_only_reclaims_are_granted_until_all_have_reclaimed) {
    machine.restore(one_of_before, start);
    std::uint64_t b = attach("b#1", start + 1s);
    EXPECT_EQ(lock(b, start + 1s), LockOutcome::grace);
    std::uint64_t a = attach("a#1#resume", start + 2s);
    ASSERT_NE(a, 0U);
    EXPECT_EQ(lock(a, start + 2s, true), LockOutcome::granted);
    EXPECT_EQ(lock(b, start + 2s), LockOutcome::grace);
    machine.reclaim_done(a);
    EXPECT_EQ(lock(b, start + 2s), LockOutcome::conflict);
}

TEST_F(SessionMachineTest, after_a_restart_a_client_that_stays_away_has_one_lease) {
    machine.restore(one_of_before, start);
    std::uint64_t b = attach("b#1", start + 20s);
    EXPECT_EQ(lock(b, start + 30s - 1ns), LockOutcome::grace);
    EXPECT_EQ(lock(b, start + 30s), LockOutcome::granted);
}

TEST_F(SessionMachineTest, a_client_without_a_lease_ends_only_when_told) {
    std::uint64_t plain = attach("kernel");
    machine.on_timeout(start + 24h);
    EXPECT_TRUE(machine.is_live(plain));
    EXPECT_TRUE(machine.record().live.empty());
    machine.end(plain, "its connection ended");
    EXPECT_FALSE(machine.is_live(plain));
}

TEST_F(SessionMachineTest, random_lives_never_give_a_range_two_holders_nor_take_a_live_lease_s_lock) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        SessionMachine m{30s};
        struct Life {
            int incarnation = 0;
            std::uint64_t session = 0;
            Instant last{};
            bool holds = false;
        };
        std::array<Life, 3> lives;
        Instant now = start;
        for (int step = 0; step < 300; ++step) {
            now += std::chrono::milliseconds(random.below(12000));
            std::size_t who = random.below(lives.size());
            Life& life = lives[who];
            std::string client(1, static_cast<char>('a' + who));
            for (Life& each : lives)
                if (each.session != 0 && now >= each.last + 30s) each.session = 0, each.holds = false;
            switch (random.below(4)) {
                case 0: {
                    bool resume = random.chance(0.5) && life.incarnation != 0;
                    if (!resume) ++life.incarnation;
                    bool was_live = life.session != 0;
                    AttachOutcome outcome = m.attach({client, std::to_string(life.incarnation), resume}, now);
                    const auto* attached = std::get_if<Attached>(&outcome);
                    ASSERT_EQ(attached != nullptr, !resume || was_live);
                    if (!resume) life.holds = false;
                    life.session = attached == nullptr ? 0 : attached->session;
                    life.last = now;
                    break;
                }
                case 1:
                    m.heard(life.session, now);
                    m.on_timeout(now);
                    if (m.is_live(life.session)) life.last = now;
                    break;
                default: {
                    bool free = true;
                    for (const Life& other : lives) free = free && (&other == &life || !other.holds);
                    LockOutcome outcome =
                        m.lock(file, {{life.session, 1, "p"}, {0, 9}, LockMode::exclusive}, false, now);
                    ASSERT_EQ(outcome, life.session == 0 ? LockOutcome::stale
                                       : free            ? LockOutcome::granted
                                                         : LockOutcome::conflict);
                    if (outcome == LockOutcome::granted) life.holds = true;
                }
            }
            ASSERT_LE(m.locks().locks(file).size(), 1U);
        }
    }
}

}  // namespace
}  // namespace understudy::files
