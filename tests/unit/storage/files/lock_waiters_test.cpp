// SPDX-License-Identifier: Apache-2.0
// Waiting, by seed: the session machine against what it must never do. Single cases are golden traces.
#include "storage/files/core/lock_waiters.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/random.hpp"
#include "storage/files/core/session_machine.hpp"
#include "tests/unit/storage/files/one_file.hpp"

namespace understudy::files {
namespace {

HeldLock wish(std::uint64_t session, LockRange range, LockMode mode, const std::string& owner = "p") {
    return {{session, 1, owner}, range, mode};
}

// No two that exclude each other are held; nobody waits for whom nothing is in the way.
void expect_sound(const SessionMachine& machine) {
    for (const LockedFile& each : {file, LockedFile{8, LockSpace::range}}) {
        const std::vector<HeldLock> held = machine.locks().locks(each);
        for (std::size_t i = 0; i < held.size(); ++i)
            for (std::size_t j = i + 1; j < held.size(); ++j) ASSERT_FALSE(held[i].excludes(held[j]));
        bool earlier = false;
        for (const WaitingLock& waiting : machine.waiting()) {
            if (waiting.file != each) continue;
            ASSERT_TRUE(earlier || machine.locks().conflict(each, waiting.wanted)) << waiting.ticket;
            earlier = true;
        }
    }
}

TEST(LockWaiters, by_seed_never_two_holders_and_everyone_is_served_in_the_end) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        SessionMachine machine{30s};
        std::vector<std::uint64_t> sessions;
        for (const char* client : {"a", "b", "c", "d"})
            sessions.push_back(std::get<Attached>(machine.attach({client, "1", false}, start)).session);
        // One wait at a time for each owner, as a single-threaded program has: then no circle is left.
        std::map<std::uint64_t, std::uint64_t> waits;  // session: ticket
        std::uint64_t ticket = 0, granted = 0, deadlocks = 0;
        auto take = [&] {
            for (const SessionAction& action : machine.take_actions())
                if (const auto* it = std::get_if<WaiterAnswered>(&action)) {
                    granted += it->outcome == LockOutcome::granted ? 1 : 0;
                    ASSERT_EQ(std::erase_if(waits, [&](auto& each) { return each.second == it->ticket; }),
                              1U);
                }
        };
        for (int step = 0; step < 300; ++step) {
            std::uint64_t session = sessions[random.below(sessions.size())];
            LockedFile on{7 + random.below(2), LockSpace::range};
            std::uint64_t first = random.below(8);
            LockRange range{first, first + random.below(4)};
            LockMode mode = random.chance(0.6) ? LockMode::exclusive : LockMode::shared;
            if (auto it = waits.find(session); it != waits.end()) {
                if (random.chance(0.1)) machine.cancel(it->second);
            } else if (random.chance(0.6)) {
                waits[session] = ++ticket;
                LockOutcome outcome = machine.lock_or_wait(ticket, on, wish(session, range, mode), start);
                if (outcome != LockOutcome::waits) waits.erase(session);
                deadlocks += outcome == LockOutcome::deadlock ? 1 : 0;
            } else {
                machine.unlock(on, wish(session, range, mode).owner, range);
            }
            take();
            expect_sound(machine);
            // Somebody can always go on.
            ASSERT_LT(waits.size(), sessions.size());
        }
        EXPECT_GT(granted, 0U);
        EXPECT_GT(deadlocks, 0U);
        // Who doesn't wait lets go of all, again and again: everyone is served.
        for (int round = 0; round < 20 && !waits.empty(); ++round)
            for (std::uint64_t session : sessions) {
                if (waits.contains(session)) continue;
                for (std::uint64_t inode : {7, 8})
                    machine.unlock({inode, LockSpace::range}, wish(session, {}, LockMode::shared).owner, {});
                take();
            }
        EXPECT_TRUE(waits.empty());
    }
}

TEST(LockWaiters, by_seed_those_who_exclude_each_other_are_served_in_order) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        SessionMachine machine{30s};
        std::uint64_t session = std::get<Attached>(machine.attach({"a", "1", false}, start)).session;
        machine.lock(file, wish(session, {}, LockMode::exclusive, "first"), false, start);
        std::map<std::uint64_t, HeldLock> waiting;
        for (std::uint64_t ticket = 1; ticket <= 30; ++ticket) {
            std::uint64_t first = random.below(10);
            HeldLock wanted = wish(session, {first, first + random.below(5)},
                                   random.chance(0.5) ? LockMode::exclusive : LockMode::shared,
                                   "o" + std::to_string(ticket));
            ASSERT_EQ(machine.lock_or_wait(ticket, file, wanted, start), LockOutcome::waits);
            waiting[ticket] = wanted;
        }
        machine.unlock(file, wish(session, {}, LockMode::exclusive, "first").owner, {});
        while (!waiting.empty()) {
            std::vector<HeldLock> served;
            for (const SessionAction& action : machine.take_actions())
                if (const auto* it = std::get_if<WaiterAnswered>(&action)) {
                    ASSERT_EQ(it->outcome, LockOutcome::granted);
                    HeldLock lock = waiting.at(it->ticket);
                    waiting.erase(it->ticket);
                    for (const auto& [earlier, wanted] : waiting)
                        ASSERT_TRUE(earlier > it->ticket || !wanted.excludes(lock)) << it->ticket;
                    served.push_back(lock);
                }
            ASSERT_FALSE(served.empty());
            for (const HeldLock& lock : served) machine.unlock(file, lock.owner, lock.range);
        }
    }
}

TEST(LockWaiters, beyond_the_limit_a_request_is_answered_at_once) {
    SessionMachine machine{30s};
    std::uint64_t session = std::get<Attached>(machine.attach({"a", "1", false}, start)).session;
    machine.lock(file, wish(session, {}, LockMode::exclusive, "first"), false, start);
    std::uint64_t ticket = 0;
    for (; ticket < max_waiters_per_session; ++ticket)
        ASSERT_EQ(machine.lock_or_wait(ticket, file, wish(session, {}, LockMode::exclusive), start),
                  LockOutcome::waits);
    EXPECT_EQ(machine.lock_or_wait(ticket, file, wish(session, {}, LockMode::exclusive), start),
              LockOutcome::conflict);
}

}  // namespace
}  // namespace understudy::files
