// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/lb/lb.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/io/clock.hpp"
#include "sim/bench/lb/contenders.hpp"
#include "sim/bench/lb/failover.hpp"
#include "sim/bench/lb/rig.hpp"
#include "sim/bench/lb/server.hpp"
#include "sim/bench/lb/traffic.hpp"
#include "sim/bench/memory.hpp"
#include "sim/bench/results.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::bench {
namespace {

constexpr Duration measure_for = 1500ms;
constexpr const char* title = "Load balancers, side by side";
constexpr int asked_a_second = 4000;  // well below what any of them can do

struct Metric {
    const char* key;    // in the ratios
    const char* words;  // in the table
    const char* unit;
    bool more_is_better;
};
constexpr Metric keepalive{"keepalive_rps", "answers on kept connections", "/s", true};
constexpr Metric connecting{"new_connections", "new connections", "/s", true};
constexpr Metric bulk{"bulk_gbit", "bulk", "Gbit/s", true};
constexpr Metric latency_median{"p50", "latency at a set rate, p50", "us", false};
constexpr Metric latency_p99{"p99", "latency at a set rate, p99", "us", false};
constexpr Metric memory{"memory_idle", "memory with idle connections", "MiB", false};
constexpr std::array metrics{keepalive, connecting, bulk, latency_median, latency_p99, memory};

using Samples = std::map<std::string, std::map<std::string, std::vector<double>>>;  // metric, contender

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
        for (int round = 0; round < options_.rounds; ++round)
            for (const Contender& contender : contenders_) {
                fmt::print(stderr, "round {} of {}: {}\n", round + 1, options_.rounds, contender.name);
                measure(contender);
            }
        for (const Contender& contender : contenders_) UNDERSTUDY_CHECK(measure_memory(contender));
        collect();
        // Written now too: minutes of measuring are not lost to a failure of what follows.
        UNDERSTUDY_CHECK(write_results(results_, options_.folder, "lb", title));
        if (options_.kills > 0)
            for (const std::string data_path : {"passthrough", "proxy"})
                if (std::find(options_.contenders.begin(), options_.contenders.end(), data_path) !=
                    options_.contenders.end())
                    UNDERSTUDY_CHECK(measure_kills(data_path));
        fmt::print("{}", to_table(results_));
        UNDERSTUDY_CHECK(write_results(results_, options_.folder, "lb", title));
        fmt::print("\nwritten: {0}/lb.json, {0}/lb.svg\n", options_.folder);
        return {};
    }

  private:
    std::string logs() const { return options_.folder + "/lb"; }

    void add(const Metric& metric, const Contender& contender, double value) {
        samples_[metric.key][contender.name].push_back(value);
    }

    void measure(const Contender& contender) {
        const Endpoint answers{contender.address, answer_port};
        const Endpoint sends{contender.address, bulk_port};
        rig_.inside("client", [&] {
            use_processor(0);
            const Rate asked = keep_asking(answers, 64, measure_for);
            const Rate connected = connect_and_ask(answers, 64, measure_for);
            const Rate read = read_bulk(sends, 4, measure_for);
            const Latency latency = ask_evenly(answers, 32, asked_a_second, measure_for);
            add(keepalive, contender, asked.per_second);
            add(connecting, contender, connected.per_second);
            add(bulk, contender, read.per_second * 8 / 1e9);
            add(latency_median, contender, to_milliseconds(latency.median) * 1000);
            add(latency_p99, contender, to_milliseconds(latency.p99) * 1000);
            for (const auto& [what, failures] : {std::pair{"answers", asked.failures},
                                                 {"connections", connected.failures},
                                                 {"bulk", read.failures},
                                                 {"latency", latency.failures}})
                if (failures > 0)
                    fmt::print(stderr, "  {}: {} failures while measuring {}\n", contender.name, failures,
                               what);
        });
    }

    Result<void> measure_memory(const Contender& contender) {
        if (contender.process < 0) return {};
        Result<void> outcome;
        rig_.inside("client", [&] {
            auto idle =
                IdleConnections::open({contender.address, answer_port}, options_.idle_connections, 30s);
            if (idle.has_error())
                outcome = idle.error();
            else
                add(memory, contender, resident_mib(contender.process));
        });
        return outcome;
    }

    void collect() {
        std::map<std::string, std::map<std::string, double>> medians;
        for (const Metric& metric : metrics)
            for (const Contender& contender : contenders_) {
                const auto found = samples_[metric.key].find(contender.name);
                if (found == samples_[metric.key].end()) continue;
                medians[metric.key][contender.name] = median(found->second);
                std::string words = metric.words;
                if (std::string_view(metric.key) == memory.key)
                    words = fmt::format("memory, {} idle connections", options_.idle_connections);
                results_.rows.push_back({contender.name, words, median(found->second), metric.unit});
            }
        for (const auto& [ours, peer] : {std::pair{"passthrough", "routed"},
                                         {"proxy", "haproxy"},
                                         {"proxy", "nginx"},
                                         {"passthrough", "haproxy"}})
            for (const Metric& metric : metrics) {
                auto& of = medians[metric.key];
                if (!of.contains(ours) || !of.contains(peer) || of[ours] <= 0 || of[peer] <= 0) continue;
                results_.ratios[fmt::format("{}/{} {}", ours, peer, metric.key)] =
                    metric.more_is_better ? of[ours] / of[peer] : of[peer] / of[ours];
            }
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
    vmctl::SandboxOptions sandbox;
    sandbox.hostname = "bench";
    sandbox.keep_paths = {options.folder, options.programs, options.peers};
    UNDERSTUDY_TRY(const pid_t child, vmctl::start_sandbox(sandbox, [&] {
                       const auto outcome = run_inside(options);
                       std::fflush(stdout);
                       if (!outcome.has_error()) return 0;
                       fmt::print(stderr, "understudy-bench: {}\n", outcome.error().message());
                       return exit_status(outcome.error().kind);
                   }));
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Error(WIFEXITED(status) && WEXITSTATUS(status) == 3 ? ErrorKind::environment : ErrorKind::failed,
                 "bench lb", "ended early; the logs are in " + options.folder + "/lb");
}

}  // namespace understudy::bench
