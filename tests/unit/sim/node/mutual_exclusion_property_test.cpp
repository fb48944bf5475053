// SPDX-License-Identifier: Apache-2.0
// Two hosts against a model of the database, in virtual time: messages take random times or are lost,
// databases swallow packets, processes are killed and restarted at random. Never may both hold the lease at
// the same instant.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/random.hpp"
#include "sim/node/core/mutual_exclusion.hpp"

namespace understudy::node {
namespace {

constexpr LeaseIntervals intervals{1s, 2s};

class ModelDatabase {
  public:
    LeaseAnswered run(bool claim, const LeaseIdentity& self, Instant now) {
        std::optional<LeaseRow> found = row_;
        if (found) found->age = now - stamp_;
        const RowDecision decision =
            claim ? decide_claim(found, self, intervals.wait) : decide_renewal(found, self);
        if (std::holds_alternative<LeaveRow>(decision)) return {found, false};
        row_ = LeaseRow{self.machine_name, self.pid, found ? found->version + 1 : 0, {}};
        stamp_ = now;
        return {found, true};
    }

  private:
    std::optional<LeaseRow> row_;
    Instant stamp_{};
};

class World {
  public:
    World(std::uint64_t seed, bool same_machine_name) : random_(seed), same_machine_name_(same_machine_name) {
        for (int host = 0; host < 2; ++host) start(host);
    }

    void run_until(Instant end) {
        while (true) {
            Instant next = end;
            for (const auto& [when, task] : tasks_) next = std::min(next, when);
            for (const Host& host : hosts_)
                if (host.machine)
                    if (const auto deadline = host.machine->next_deadline())
                        next = std::min(next, deadline->when);
            now_ = std::max(now_, next);
            if (now_ >= end) return;
            while (!tasks_.empty() && tasks_.begin()->first <= now_) {
                const auto task = tasks_.begin()->second;
                tasks_.erase(tasks_.begin());
                task();
            }
            for (int host = 0; host < 2; ++host) {
                if (!hosts_[host].machine) continue;
                hosts_[host].machine->on_timeout(now_);
                carry_out(host);
            }
            if (holding(0) && holding(1)) ++both_;
            if (holding(0) || holding(1)) ++active_steps_;
        }
    }

    int both() const { return both_; }
    int active_steps() const { return active_steps_; }
    int takeovers() const { return takeovers_; }

  private:
    struct Host {
        std::unique_ptr<MutualExclusionMachine> machine;
        LeaseIdentity self;
        int incarnation = 0;
    };

    bool holding(int host) const { return hosts_[host].machine && hosts_[host].machine->holding(); }
    Duration draw(Duration greatest) {
        return Duration(
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(greatest.count()))));
    }

    void start(int host) {
        Host& it = hosts_[host];
        it.self = {same_machine_name_ ? "/opt/node/same" : fmt::format("/opt/node/{}", host),
                   std::to_string(++pids_)};
        it.machine = std::make_unique<MutualExclusionMachine>(it.self, intervals);
        ++it.incarnation;
        it.machine->start(now_);
        // Now and then a process is killed, whatever it is doing.
        if (random_.chance(0.3)) {
            tasks_.emplace(now_ + draw(20s), [this, host, of = it.incarnation] {
                if (hosts_[host].incarnation == of && hosts_[host].machine) end(host);
            });
        }
        carry_out(host);
    }

    void end(int host) {
        hosts_[host].machine.reset();
        tasks_.emplace(now_ + draw(500ms), [this, host] { start(host); });
    }

    void carry_out(int host) {
        if (!hosts_[host].machine) return;
        for (const LeaseAction& action : hosts_[host].machine->take_actions()) {
            if (std::holds_alternative<ClaimRow>(action)) send(host, true);
            if (std::holds_alternative<RenewRow>(action)) send(host, false);
            if (const auto* taken = std::get_if<LeaseTaken>(&action); taken && taken->took_over) ++takeovers_;
            if (std::holds_alternative<EndProcess>(action)) return end(host);
        }
    }

    // Request and answer each take up to two seconds in the worst case, mostly milliseconds; either may be
    // lost.
    void send(int host, bool claim) {
        const auto delay = [this] { return random_.chance(0.1) ? draw(2s) : draw(20ms); };
        if (random_.chance(0.05)) return;
        tasks_.emplace(now_ + delay(),
                       [this, host, claim, of = hosts_[host].incarnation, self = hosts_[host].self, delay] {
                           const LeaseAnswered answer = database_.run(claim, self, now_);
                           if (random_.chance(0.05)) return;
                           tasks_.emplace(now_ + delay(), [this, host, of, answer] {
                               if (hosts_[host].incarnation != of || !hosts_[host].machine) return;
                               hosts_[host].machine->handle(answer, now_);
                               carry_out(host);
                           });
                       });
    }

    Random random_;
    bool same_machine_name_;
    ModelDatabase database_;
    Instant now_{};
    std::multimap<Instant, std::function<void()>> tasks_;
    Host hosts_[2];
    int pids_ = 0;
    int both_ = 0;
    int active_steps_ = 0;
    int takeovers_ = 0;
};

TEST(MutualExclusionProperty, two_hosts_are_never_active_at_once) {
    int takeovers = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        World world(seed, false);
        world.run_until(Instant(120s));
        ASSERT_EQ(world.both(), 0) << "seed " << seed;
        ASSERT_GT(world.active_steps(), 0) << "seed " << seed;
        takeovers += world.takeovers();
    }
    EXPECT_GT(takeovers, 100) << "the property was tested on runs with takeovers";
}

TEST(MutualExclusionProperty, one_machine_name_on_two_hosts_makes_both_active) {
    World world(1, true);
    world.run_until(Instant(120s));
    EXPECT_GT(world.both(), 0);
}

}  // namespace
}  // namespace understudy::node
