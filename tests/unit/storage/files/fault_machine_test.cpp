// SPDX-License-Identifier: Apache-2.0
// What holds for every course of faults and requests; single rules are in the golden traces.
#include "storage/files/core/fault_machine.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.hpp"
#include "storage/files/core/glob.hpp"

namespace understudy::files {
namespace {

const std::vector<std::string> paths = {"/a", "/a/x", "/b", "/b/y"};
const std::vector<std::string> patterns = {"", "a/*", "b*", "?"};
const std::vector<std::string> clients = {"primary", "backup"};

template <typename T>
const T& one_of(const std::vector<T>& all, Random& random) {
    return all[random.below(all.size())];
}

JudgedRequest any_request(Random& random) {
    JudgedRequest request{one_of(clients, random), one_of(paths, random), "", random.chance(0.5), false,
                          random.below(4000)};
    request.needs_space = request.changes && random.chance(0.5);
    return request;
}

Fault any_fault(Random& random, bool may_wait) {
    Fault fault;
    const std::uint64_t kind = random.below(may_wait ? 5 : 2);
    fault.kind = kind == 0   ? FaultKind::error
                 : kind == 1 ? FaultKind::read_only
                 : kind == 2 ? FaultKind::slow
                 : kind == 3 ? FaultKind::stall
                             : FaultKind::cut_off;
    fault.path = one_of(patterns, random);
    if (random.chance(0.3) || fault.kind == FaultKind::cut_off) fault.client = one_of(clients, random);
    if (fault.kind == FaultKind::cut_off) fault.path.clear();
    fault.error = random.chance(0.5) ? EIO : ENOSPC;
    fault.rate = random.unit();
    fault.seed = random.next();
    fault.latency = Duration(random.below(1'000'000'000));
    fault.bytes_per_second = random.below(3) * 1000;
    if (random.chance(0.3)) fault.lasts = Duration(1 + random.below(5'000'000'000));
    return fault;
}

// Drives a machine through one course drawn from the seed and writes down everything it decided.
struct Course {
    std::vector<std::string> decided;
    std::size_t asked = 0, answered = 0, cancelled = 0;
    FaultMachine machine;
};

void drive(std::uint64_t seed, Course& course) {
    Random random(seed);
    Instant now{};
    std::uint64_t ticket = 0;
    std::vector<std::string> ids;
    FaultMachine& machine = course.machine;
    auto take = [&] {
        for (const FaultAction& action : machine.take_actions())
            if (const auto* released = std::get_if<RequestReleased>(&action)) {
                ++course.answered;
                course.decided.push_back(std::to_string(released->ticket) + ":" +
                                         std::to_string(released->error));
            }
    };
    for (int step = 0; step < 400; ++step) {
        now += Duration(random.below(200'000'000));
        while (machine.next_deadline() && machine.next_deadline()->when <= now) {
            machine.on_timeout(machine.next_deadline()->when);
            take();
        }
        const std::uint64_t what = random.below(10);
        if (what == 0) {
            ids.push_back("f" + std::to_string(step));
            ASSERT_TRUE(machine.apply(ids.back(), any_fault(random, true), now).has_value());
        } else if (what == 1 && !ids.empty()) {
            machine.heal(one_of(ids, random), now);
        } else {
            ++course.asked;
            const Verdict verdict = machine.judge(++ticket, any_request(random), now);
            if (verdict.what == Verdict::What::waits) {
                if (random.chance(0.1)) {
                    machine.cancel(ticket);
                    ++course.cancelled;
                }
            } else {
                ++course.answered;
                course.decided.push_back(std::to_string(ticket) + "=" + std::to_string(verdict.error));
            }
        }
        take();
    }
    for (const std::string& id : ids) machine.heal(id, now);
    take();
}

TEST(FaultMachine, every_request_is_decided_once_and_none_waits_when_all_is_healed) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        Course course;
        drive(seed, course);
        EXPECT_EQ(course.asked, course.answered + course.cancelled);
        EXPECT_EQ(course.machine.waiting(), 0U);
        EXPECT_FALSE(course.machine.any());
        EXPECT_FALSE(course.machine.next_deadline().has_value());
    }
}

TEST(FaultMachine, the_same_seed_gives_the_same_decisions) {
    for (std::uint64_t seed = 1; seed <= 15; ++seed) {
        Course first, second;
        drive(seed, first);
        drive(seed, second);
        EXPECT_EQ(first.decided, second.decided);
    }
}

// Refusals of a fault must not depend on which others are in force: with and without another, the requests
// it alone would refuse are the same.
TEST(FaultMachine, healing_one_leaves_what_the_others_decide_as_it_was) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        const Fault kept = any_fault(random, false), healed = any_fault(random, false);
        FaultMachine alone, both;
        const Instant now{};
        Fault without_end = kept;
        without_end.lasts.reset();
        Fault other = healed;
        other.lasts.reset();
        ASSERT_TRUE(both.apply("other", other, now).has_value());
        ASSERT_TRUE(alone.apply("kept", without_end, now).has_value());
        ASSERT_TRUE(both.apply("kept", without_end, now).has_value());
        const std::uint64_t heal_at = random.below(100);
        for (std::uint64_t ticket = 1; ticket <= 200; ++ticket) {
            if (ticket == heal_at + 1) {
                ASSERT_TRUE(both.heal("other", now));
            }
            const JudgedRequest request = any_request(random);
            const Verdict expected = alone.judge(ticket, request, now);
            const Verdict got = both.judge(ticket, request, now);
            if (expected.what == Verdict::What::refused) {
                EXPECT_EQ(got.what, Verdict::What::refused);
            }
            if (ticket > heal_at) {
                EXPECT_EQ(got.what, expected.what);
                EXPECT_EQ(got.error, expected.error);
            }
        }
    }
}

TEST(FaultMachine, about_the_given_share_of_requests_fails) {
    FaultMachine machine;
    Fault fault;
    fault.kind = FaultKind::error;
    fault.rate = 0.1;
    ASSERT_TRUE(machine.apply("f", fault, Instant{}).has_value());
    int failed = 0;
    for (std::uint64_t ticket = 1; ticket <= 10000; ++ticket)
        failed +=
            machine.judge(ticket, {"a", "/x", "", false, false, 0}, Instant{}).what == Verdict::What::refused
                ? 1
                : 0;
    EXPECT_GT(failed, 850);
    EXPECT_LT(failed, 1150);
}

TEST(Glob, a_star_stands_for_any_characters_and_a_question_mark_for_one) {
    EXPECT_TRUE(matches_glob("artemis/*", "/artemis/journal/1.amq"));
    EXPECT_TRUE(matches_glob("/artemis/*", "artemis/x"));
    EXPECT_FALSE(matches_glob("artemis/*", "/artemis"));
    EXPECT_FALSE(matches_glob("artemis", "/artemis/x"));
    EXPECT_TRUE(matches_glob("*.amq", "/artemis/journal/1.amq"));
    EXPECT_FALSE(matches_glob("*.amq", "/artemis/journal/1.amq.lock"));
    EXPECT_TRUE(matches_glob("a?c*e", "/abcdcde"));
    EXPECT_TRUE(matches_glob("*", "/"));
    EXPECT_TRUE(matches_glob("", "/"));
    EXPECT_FALSE(matches_glob("?", "/"));
    EXPECT_FALSE(matches_glob("a*b*c*d*e*f*g", std::string(5000, 'a')));
}

}  // namespace
}  // namespace understudy::files
