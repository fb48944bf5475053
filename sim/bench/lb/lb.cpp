// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/lb/lb.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "base/io/process_memory.hpp"
#include "sim/bench/core/metric.hpp"
#include "sim/bench/isolated.hpp"
#include "sim/bench/lb/contenders.hpp"
#include "sim/bench/lb/failover.hpp"
#include "sim/bench/lb/server.hpp"
#include "sim/bench/lb/traffic.hpp"
#include "sim/bench/rig.hpp"
#include "sim/bench/write_results.hpp"

namespace understudy::bench {
namespace {

// Short and often: a machine that others use too changes its speed from second to second.
constexpr Duration measure_traffic_for = 300ms;
constexpr Duration latency_turn = 100ms;
constexpr int latency_turns = 5;
constexpr const char* lb_title = "Load balancers, side by side";
constexpr int asked_a_second = 4000;  // well below what any of them can do

// Beside the bare route and beside what people would pick instead; the time to another backend within the
// analytic bound and one scheduling slack.
const std::vector<Aim> lb_aims{{"passthrough/routed", {}, 0.95},
                               {"proxy/haproxy", {}, 1.0},
                               {"passthrough/bound + 50 ms", {}, 1.0},
                               {"proxy/bound + 50 ms", {}, 1.0}};

constexpr const char* memory_key = "memory_idle";

std::vector<Metric> metrics(int idle_connections) {
    return {{"keepalive_rps", "answers on kept connections", "/s", true},
            {"new_connections", "new connections", "/s", true},
            {"bulk_gbit", "bulk", "Gbit/s", true},
            {"p50", "latency at a set rate, p50", "us", false},
            {"p99", "latency at a set rate, p99", "us", false},
            {memory_key, fmt::format("memory, {} idle connections", idle_connections), "MiB", false}};
}

class Bench {
  public:
    Bench(const LbBenchOptions& options, Rig& rig) : options_(options), rig_(rig) {}

    Result<void> run() {
        UNDERSTUDY_CHECK(rig_.add_host("client", "198.51.100.10"));
        UNDERSTUDY_CHECK(rig_.add_host("backend", backend_address));
        UNDERSTUDY_CHECK(rig_.fork_inside("backend", 0, [] { return serve("backend"); }));
        UNDERSTUDY_TRY(contenders_,
                       start_contenders(rig_, {options_.contenders, options_.programs, options_.peers, logs(),
                                               options_.idle_connections}));
        turns_ = contenders_;
        for (int round = 0; round < options_.rounds; ++round) {
            fmt::print(stderr, "round {} of {}\n", round + 1, options_.rounds);
            for (const auto measure : {&Bench::measure_kept, &Bench::measure_new, &Bench::measure_bulk})
                measure_in_turn(measure);
            measure_latency();
        }
        for (const Contender& contender : contenders_) UNDERSTUDY_CHECK(measure_memory(contender));
        collect();
        // Written now too: minutes of measuring are not lost to a failure of what follows.
        UNDERSTUDY_CHECK(write_results(results_, options_.folder, "lb", lb_title));
        if (options_.kills > 0)
            for (const std::string data_path : {"passthrough", "proxy"})
                if (std::find(options_.contenders.begin(), options_.contenders.end(), data_path) !=
                    options_.contenders.end())
                    UNDERSTUDY_CHECK(measure_kills(data_path));
        fmt::print("{}", to_table(results_));
        return conclude(results_, lb_aims, options_.folder, "lb", lb_title);
    }

  private:
    std::string logs() const { return options_.folder + "/lb"; }

    void add(const std::string& key, const Contender& contender, double value) {
        samples_[key][contender.name].push_back(value);
    }

    // One thing of all contenders and then the next: what is compared is measured as close together as can
    // be. Whoever follows one that used both processors finds a slower machine: each time another does.
    const std::vector<Contender>& next_turns() {
        std::shuffle(turns_.begin(), turns_.end(), order_);
        return turns_;
    }

    void measure_in_turn(void (Bench::*measure)(const Contender&)) {
        for (const Contender& contender : next_turns())
            rig_.inside("client", [&] {
                use_processor(0);
                (this->*measure)(contender);
            });
    }

    void measure_kept(const Contender& contender) {
        const Rate asked = keep_asking({contender.address, answer_port}, 64, measure_traffic_for);
        add("keepalive_rps", contender, asked.per_second);
        report(contender, "answers", asked.failures);
    }

    void measure_new(const Contender& contender) {
        const Rate connected = connect_and_ask({contender.address, answer_port}, 64, measure_traffic_for);
        add("new_connections", contender, connected.per_second);
        report(contender, "connections", connected.failures);
    }

    void measure_bulk(const Contender& contender) {
        const Rate read = read_bulk({contender.address, bulk_port}, 4, measure_traffic_for);
        add("bulk_gbit", contender, read.per_second * 8 / 1e9);
        report(contender, "bulk", read.failures);
    }

    // By tenths of a second: the slowest of a hundred answers are those of a moment in which the machine was
    // slow, and such a moment must meet all of them.
    void measure_latency() {
        rig_.inside("client", [&] {
            use_processor(0);
            std::map<std::string, EvenAsker> askers;
            for (const Contender& contender : contenders_)
                askers.try_emplace(contender.name, Endpoint{contender.address, answer_port}, 32);
            for (int turn = 0; turn < latency_turns; ++turn)
                for (const Contender& contender : next_turns())
                    askers.at(contender.name).ask(asked_a_second, latency_turn);
            for (const Contender& contender : contenders_) {
                const Latency latency = askers.at(contender.name).latency();
                add("p50", contender, to_milliseconds(latency.median) * 1000);
                add("p99", contender, to_milliseconds(latency.p99) * 1000);
                report(contender, "latency", latency.failures);
            }
        });
    }

    static void report(const Contender& contender, const char* what, std::uint64_t failures) {
        if (failures > 0)
            fmt::print(stderr, "  {}: {} failures while measuring {}\n", contender.name, failures, what);
    }

    Result<void> measure_memory(const Contender& contender) {
        if (contender.process < 0) return {};
        Result<void> outcome;
        rig_.inside("client", [&] {
            auto idle =
                IdleConnections::open({contender.address, answer_port}, options_.idle_connections, 30s);
            if (idle.has_error())
                outcome = idle.error();
            else if (const auto used = io::process_memory(contender.process))
                add(memory_key, contender, static_cast<double>(used->resident_bytes) / (1 << 20));
            else
                outcome = used.error();
        });
        return outcome;
    }

    void collect() {
        std::vector<std::string> names;
        for (const Contender& contender : contenders_) names.push_back(contender.name);
        results_ = compare(metrics(options_.idle_connections), names, samples_,
                           {{"passthrough", "routed"},
                            {"proxy", "haproxy"},
                            {"proxy", "nginx"},
                            {"passthrough", "haproxy"}});
    }

    Result<void> measure_kills(const std::string& data_path) {
        UNDERSTUDY_TRY(FailoverTimes times,
                       measure_failover(rig_, data_path, options_.kills, options_.programs, logs()));
        constexpr double scheduling_slack_ms = 50;
        for (const auto& [since, all] : {std::pair{"cut in force", &times.since_in_force_ms},
                                         {"cut asked for", &times.since_asked_ms}}) {
            const double longest = *std::max_element(all->begin(), all->end());
            const std::string metric = fmt::format("{} to another backend, {} kills", since, options_.kills);
            results_.rows.push_back({data_path + ", median", metric, median(*all), "ms"});
            results_.rows.push_back({data_path + ", longest", metric, longest, "ms"});
            results_.rows.push_back({data_path + ", bound", metric, times.bound_ms, "ms"});
            results_.ratios[fmt::format("{}/bound + 50 ms failover, {}", data_path, since)] =
                (times.bound_ms + scheduling_slack_ms) / longest;
        }
        return {};
    }

    const LbBenchOptions& options_;
    Rig& rig_;
    std::vector<Contender> contenders_;
    std::vector<Contender> turns_;  // the same, in the order of the last turn
    std::mt19937 order_{0};
    Samples samples_;
    Results results_;
};

// How many idle connections the machine allows: each takes two descriptors of a proxy.
int allowed_connections(int wanted) {
    constexpr rlim_t others = 600;  // listeners, probes, pipes, the peers' own
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t needed = static_cast<rlim_t>(wanted) * 2 + others;
    rlimit raised{needed, std::max(needed, limit.rlim_max)};
    if (limit.rlim_cur >= needed || ::setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
    raised = {limit.rlim_max, limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &raised);
    if (limit.rlim_max >= needed) return wanted;
    const int allowed = static_cast<int>((limit.rlim_max - others) / 2);
    fmt::print(stderr, "open files: the limit of {} allows {} idle connections, not {}\n", limit.rlim_max,
               allowed, wanted);
    return allowed;
}

Result<void> run_inside(LbBenchOptions options) {
    options.idle_connections = allowed_connections(options.idle_connections);
    UNDERSTUDY_TRY(Rig rig, Rig::create());
    return Bench(options, rig).run();
}

}  // namespace

Result<void> bench_lb(const LbBenchOptions& options) {
    std::error_code failure;
    std::filesystem::create_directories(options.folder + "/lb", failure);
    if (failure) return system_error(options.folder, failure.value());
    return run_isolated("lb", {options.folder, options.programs, options.peers},
                        "the logs are in " + options.folder + "/lb", [&] { return run_inside(options); });
}

}  // namespace understudy::bench
