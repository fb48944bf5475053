// SPDX-License-Identifier: Apache-2.0
// understudy-bench: the figures that the project claims, measured beside their peers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "base/io/interrupt.hpp"
#include "sim/bench/lb/contenders.hpp"
#include "sim/bench/lb/lb.hpp"
#include "sim/bench/results.hpp"
#include "sim/bench/up.hpp"
#include "sim/lab/lifecycle.hpp"

int main(int argument_count, char** arguments) {
    using namespace understudy;
    std::signal(SIGPIPE, SIG_IGN);
    io::catch_interrupts();
    CLI::App app{"Measures what the project claims, beside its peers, in one run"};
    std::string topology = "topologies/corda-ha-fast.yaml";
    int rounds = 5;
    app.require_subcommand(1);
    auto* up = app.add_subcommand(
        "up", "time from up to the first payment, beside bare QEMU boots; resident memory");
    up->add_option("--topology", topology, "the topology file")->capture_default_str();
    up->add_option("--rounds", rounds, "how often each is measured, in turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    bench::LbBenchOptions lb_options;
    lb_options.programs = lab::program_directory().string();
    lb_options.folder = (lab::program_directory().parent_path() / "bench").string();
    lb_options.peers = (lab::program_directory().parent_path() / "peers").string();
    auto* lb = app.add_subcommand(
        "lb", "both data paths of the load balancer beside the bare route, HAProxy and nginx");
    lb_options.contenders = bench::contender_names();
    lb->add_option("--contenders", lb_options.contenders, "which of them")
        ->delimiter(',')
        ->check(CLI::IsMember(bench::contender_names()))
        ->capture_default_str();
    lb->add_option("--rounds", lb_options.rounds, "how often each is measured, in turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    lb->add_option("--kills", lb_options.kills, "how often a backend dies for each data path")
        ->check(CLI::Range(0, 10'000))
        ->capture_default_str();
    lb->add_option("--idle", lb_options.idle_connections, "idle connections while memory is measured")
        ->check(CLI::Range(1, 25'000))
        ->capture_default_str();
    CLI11_PARSE(app, argument_count, arguments);
    if (lb->parsed()) {
        const auto done = bench::bench_lb(lb_options);
        if (done.has_value()) return 0;
        fmt::print(stderr, "understudy-bench: {}\n", done.error().message());
        return exit_status(done.error().kind);
    }
    const auto results = bench::bench_up(topology, rounds);
    if (results.has_error()) {
        fmt::print(stderr, "understudy-bench: {}\n", results.error().message());
        return exit_status(results.error().kind);
    }
    fmt::print("{}", bench::to_table(*results));
    const std::string folder = (lab::program_directory().parent_path() / "bench").string();
    const auto written =
        bench::write_results(*results, folder, "up", "understudy up: time to the first payment, memory");
    if (written.has_error())
        fmt::print(stderr, "understudy-bench: {}\n", written.error().message());
    else
        fmt::print("\nwritten: {0}/up.json, {0}/up.svg\n", folder);
    return written.has_value() ? 0 : 1;
}
