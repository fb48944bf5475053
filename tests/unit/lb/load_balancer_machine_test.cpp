// SPDX-License-Identifier: Apache-2.0
// What must hold of every schedule of events, checked on drawn ones. The seed is in the failure's text.
#include "lb/core/load_balancer_machine.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

MachineSettings drawn_settings(Random& random) {
    MachineSettings settings;
    for (std::uint32_t i = 0; i < 2 + random.below(3); ++i)
        settings.backends.push_back({fmt::format("host-{}", i), {i}, random.chance(0.9)});
    for (const char* name : {"p2p", "rpc"})
        settings.probes.push_back(
            {name, "tcp",
             ProbeTiming{
                 3s, 2s, 1 + static_cast<int>(random.below(3)),
                 random.chance(0.5) ? ThresholdMode::probe_threshold : ThresholdMode::unhealthy_threshold},
             random.chance(0.3) ? NoHealthyBackends::all_up : NoHealthyBackends::all_down});
    settings.rules = {{"p2p", 0, Distribution::five_tuple, false},
                      {"rpc", 1, Distribution::source_ip, false},
                      {"dns", 1, Distribution::source_ip_protocol, true}};
    settings.end_on_backend_down = random.chance(0.5);
    settings.end_when_all_down = random.chance(0.5);
    settings.drain_timeout = 4s;
    return settings;
}

// A machine under drawn events, carried out as the driver does it.
class Schedule {
  public:
    explicit Schedule(std::uint64_t seed)
        : random_(seed), machine_(drawn_settings(random_), now_), table_(machine_.table()) {}

    void step() {
        if (random_.chance(0.02)) return reload();
        if (!lost_.empty()) {
            machine_.handle(ProbeFinished{lost_.back().run, {true, 1ms, "late"}}, now_);
            ASSERT_TRUE(machine_.take_actions().empty()) << "the result of who has gone is of no effect";
            lost_.pop_back();
        }
        if (random_.chance(0.1)) {
            machine_.handle(drawn_event(), now_);
        } else if (!running_.empty() && random_.chance(0.6)) {
            const auto chosen =
                running_.begin() + static_cast<std::ptrdiff_t>(random_.below(running_.size()));
            const bool healthy = random_.chance(0.6);
            const ProbeResult result{healthy, 1ms, "drawn", !healthy && random_.chance(0.3)};
            machine_.handle(ProbeFinished{chosen->run, result}, now_);
            running_.erase(chosen);
        } else if (const auto deadline = machine_.next_deadline()) {
            ASSERT_LE(deadline->when, now_ + 3s) << "a deadline lies within the interval";
            now_ = std::max(now_, deadline->when);
            machine_.on_timeout(now_);
        }
        carry_out();
        check();
    }

    int tables = 0, ends = 0, fallbacks = 0, drained = 0;

  private:
    MachineEvent drawn_event() {
        const std::size_t backend = random_.below(machine_.settings().backends.size());
        switch (random_.below(6)) {
            case 0:
                return BackendStopped{backend, "drawn stop"};
            case 1:
                return BackendStarted{backend, "drawn start"};
            case 2:
                return BackendDrain{backend};
            case 3:
                return BackendDisable{backend};
            default:
                return BackendEnable{backend};
        }
    }

    void reload() {
        MachineSettings settings = drawn_settings(random_);
        // Hosts have their addresses and probes their targets by their places: only who is left out is lost.
        for (auto running = running_.begin(); running != running_.end();) {
            if (running->backend < settings.backends.size()) {
                ++running;
                continue;
            }
            lost_.push_back(*running);
            running = running_.erase(running);
        }
        machine_ = machine_.reloaded(std::move(settings), now_);
        table_ = machine_.table();
        carry_out();
        check();
    }

    // An answer to a question about flows brings actions of its own.
    void carry_out() {
        for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions()) {
            carry_out(actions);
            for (const FlowsLeft& left : std::exchange(waiting_, {})) machine_.handle(left, now_);
        }
    }

    void carry_out(const std::vector<MachineAction>& actions) {
        std::size_t place = 0;
        bool ending = false;
        for (const MachineAction& action : actions) {
            if (const auto* table = std::get_if<RoutingTable>(&action)) {
                ASSERT_EQ(place, 0U) << "one table at most, and before all else";
                ASSERT_NE(*table, table_) << "only when it has changed";
                table_ = *table;
                ++tables;
            } else if (const auto* start = std::get_if<StartProbe>(&action)) {
                ASSERT_TRUE(runs_.insert(start->run).second) << "every run has a number of its own";
                ASSERT_FALSE(machine_.admin(start->backend).is_stopped()) << "who is stopped is not probed";
                for (const StartProbe& running : running_)
                    ASSERT_FALSE(running.backend == start->backend && running.probe == start->probe)
                        << "probes never overlap";
                running_.push_back(*start);
            } else if (const auto* report = std::get_if<ProbeReport>(&action)) {
                ASSERT_TRUE(report->verdict.reason.starts_with("drawn"));
            } else if (const auto* none = std::get_if<NoHealthyBackend>(&action)) {
                ASSERT_FALSE(none->reason.empty());
                if (none->falls_back) ++fallbacks;
            } else if (const auto* changed = std::get_if<BackendChanged>(&action)) {
                ASSERT_FALSE(changed->reason.empty());
                if (changed->change == AdminChange::drained) ++drained;
            } else if (const auto* count = std::get_if<CountFlows>(&action)) {
                if (random_.chance(0.3)) waiting_.push_back({count->backend, random_.below(3)});
            } else if (const auto* end = std::get_if<EndEstablished>(&action)) {
                ending = true;
                ASSERT_FALSE(end->reason.empty());
                ++ends;
            }
            ASSERT_EQ(ending, std::holds_alternative<EndEstablished>(action)) << "ends come last";
            ++place;
        }
    }

    void check() {
        const MachineSettings& settings = machine_.settings();
        ASSERT_EQ(machine_.table().rules.size(), settings.rules.size());
        for (std::size_t rule = 0; rule < settings.rules.size(); ++rule) {
            const auto& eligible = machine_.table().rules[rule].eligible;
            const std::size_t probe = settings.rules[rule].probe;
            ASSERT_TRUE(std::is_sorted(eligible.begin(), eligible.end()));
            std::size_t up = 0;
            for (std::size_t backend = 0; backend < settings.backends.size(); ++backend) {
                const BackendAdmin& admin = machine_.admin(backend);
                const Health health = machine_.probe(backend, probe).health();
                const bool takes = std::find(eligible.begin(), eligible.end(), backend) != eligible.end();
                if (admin.state() == AdminState::enabled && !admin.is_stopped() && health == Health::up) {
                    ++up;
                    ASSERT_TRUE(takes) << "who is up and wanted takes flows";
                }
                if (!takes) continue;
                ASSERT_NE(health, Health::unknown);
                ASSERT_EQ(admin.state(), AdminState::enabled);
                ASSERT_FALSE(admin.is_stopped());
            }
            for (const std::size_t backend : eligible) {
                const Health health = machine_.probe(backend, probe).health();
                ASSERT_EQ(health, up > 0 ? Health::up : Health::down);
                if (health == Health::down) {
                    ASSERT_EQ(settings.probes[probe].no_healthy_backends, NoHealthyBackends::all_up);
                }
            }
            const FlowKey flow{{{static_cast<std::uint32_t>(random_.next())}, 1}, {{1}, 2}};
            const auto routed = machine_.route(rule, flow, {});
            ASSERT_EQ(routed, machine_.route(rule, flow, {}))
                << "one flow has one answer while the table stands";
            ASSERT_EQ(routed.has_value(), !eligible.empty());
        }
    }

    Random random_;
    Instant now_{};
    LoadBalancerMachine machine_;
    RoutingTable table_;
    std::vector<StartProbe> running_;
    std::vector<StartProbe> lost_;  // by a reload
    std::set<std::uint64_t> runs_;
    std::vector<FlowsLeft> waiting_;
};

TEST(LoadBalancerMachine, keeps_its_promises_under_drawn_schedules) {
    int tables = 0, ends = 0, fallbacks = 0, drained = 0;
    for (std::uint64_t seed = 1; seed <= 80; ++seed) {
        SCOPED_TRACE(seed);
        Schedule schedule(seed);
        for (int step = 0; step < 400; ++step) {
            schedule.step();
            if (::testing::Test::HasFatalFailure()) return;
        }
        tables += schedule.tables;
        ends += schedule.ends;
        fallbacks += schedule.fallbacks;
        drained += schedule.drained;
    }
    for (const int reached : {tables, ends, fallbacks, drained}) EXPECT_GT(reached, 100) << "too tame";
}

TEST(LoadBalancerMachine, hundreds_of_probes_have_each_a_place_of_their_own_in_the_interval) {
    MachineSettings settings;
    for (std::uint32_t i = 0; i < 250; ++i)
        settings.backends.push_back({fmt::format("host-{}", i), {i}, true});
    settings.probes = {{"p2p", "tcp 1", {5s, 5s, 2}}, {"rpc", "tcp 2", {5s, 5s, 2}}};
    settings.rules = {{"p2p", 0}};
    LoadBalancerMachine machine(settings, Instant{});
    std::set<Duration> starts;
    std::size_t started = 0;
    for (Instant now{}; now < Instant(10s); now = machine.next_deadline()->when) {
        machine.on_timeout(now);
        for (const MachineAction& action : machine.take_actions()) {
            const auto* start = std::get_if<StartProbe>(&action);
            if (start == nullptr) continue;
            machine.handle(ProbeFinished{start->run, {true, 1ms, "drawn"}}, now);
            if (now == Instant{}) continue;
            ++started;
            starts.insert((now - Instant{}) % 5s);
        }
    }
    EXPECT_GE(started, 500U);
    EXPECT_EQ(starts.size(), 500U) << "no two in step";
}

TEST(LoadBalancerMachine, the_result_of_a_probe_that_a_reload_took_away_is_of_no_effect) {
    MachineSettings settings;
    settings.backends = {{"a", {1}, true}};
    settings.probes = {{"p2p", "tcp 1", {5s, 5s, 1}}};
    settings.rules = {{"p2p", 0}};
    LoadBalancerMachine machine(settings, Instant{});
    machine.on_timeout(Instant{});
    const auto run = std::get<StartProbe>(machine.take_actions().at(0)).run;
    settings.probes[0].target = "tcp 2";
    LoadBalancerMachine next = machine.reloaded(settings, Instant(1s));
    next.take_actions();
    next.handle(ProbeFinished{run, {true, 1ms, "late"}}, Instant(2s));
    EXPECT_TRUE(next.take_actions().empty());
    EXPECT_EQ(next.probe(0, 0).health(), Health::unknown);
}

}  // namespace
}  // namespace understudy::lb
