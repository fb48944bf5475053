// SPDX-License-Identifier: Apache-2.0
// understudy-bench: the figures that the project claims, measured beside their peers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "base/io/interrupt.hpp"
#include "sim/bench/database/database.hpp"
#include "sim/bench/files/files.hpp"
#include "sim/bench/lb/contenders.hpp"
#include "sim/bench/lb/lb.hpp"
#include "sim/bench/up.hpp"
#include "sim/lab/lifecycle.hpp"

using namespace understudy;

namespace {

std::string beside(const char* name) {
    return (lab::program_directory().parent_path() / name).string();
}

void add_up_options(CLI::App& up, bench::UpBenchOptions& options) {
    options.folder = beside("bench");
    up.add_option("--topology", options.topology, "the topology file")->capture_default_str();
    up.add_option("--rounds", options.rounds, "how often each is measured, in turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
}

void add_lb_options(CLI::App& lb, bench::LbBenchOptions& options) {
    options.programs = lab::program_directory().string();
    options.folder = beside("bench");
    options.peers = beside("peers/lb");
    options.contenders = bench::contender_names();
    lb.add_option("--contenders", options.contenders, "which of them")
        ->delimiter(',')
        ->check(CLI::IsMember(bench::contender_names()))
        ->capture_default_str();
    lb.add_option("--rounds", options.rounds, "how often each is measured, in turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    lb.add_option("--kills", options.kills, "how often a backend dies for each data path")
        ->check(CLI::Range(0, 10'000))
        ->capture_default_str();
    lb.add_option("--idle", options.idle_connections, "idle connections while memory is measured")
        ->check(CLI::Range(1, 25'000))
        ->capture_default_str();
}

void add_files_options(CLI::App& files, bench::FilesBenchOptions& options) {
    options.programs = lab::program_directory().string();
    options.folder = beside("bench");
    options.peers = beside("peers/files");
    files.add_option("--rounds", options.rounds, "how often each is measured, in turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    files.add_option("--files", options.files, "how many small files")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    files.add_option("--megabytes", options.megabytes, "size of the sequential file in MiB")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    files.add_option("--only", options.only, "contenders or measures; all of a kind where none is named")
        ->delimiter(',')
        ->check(CLI::IsMember(bench::only_names()));
    files
        .add_option("--store", options.store, "folder on a disk for the servers' files (default: in memory)")
        ->check(CLI::ExistingDirectory);
}

void add_database_options(CLI::App& database, bench::DatabaseBenchOptions& options) {
    options.programs = lab::program_directory().string();
    options.folder = beside("bench");
    database.add_option("--rounds", options.rounds, "how often each is measured, in turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    database.add_option("--seconds", options.seconds, "how long each workload runs in a round")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    database.add_option("--rows", options.rows, "of the table that is read, and of the bulk load")
        ->check(CLI::Range(100, 10'000'000))
        ->capture_default_str();
}

int report(const Result<void>& done) {
    if (done.has_value()) return 0;
    fmt::print(stderr, "understudy-bench: {}\n", done.error().message());
    return exit_status(done.error().kind);
}

}  // namespace

int main(int argument_count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    io::catch_interrupts();
    CLI::App app{"Measures what the project claims, beside its peers, in one run"};
    app.require_subcommand(1);
    auto* up = app.add_subcommand(
        "up", "time from up to the first payment, beside bare QEMU boots; resident memory");
    bench::UpBenchOptions up_options;
    add_up_options(*up, up_options);
    bench::LbBenchOptions lb_options;
    auto* lb = app.add_subcommand(
        "lb", "both data paths of the load balancer beside the bare route, HAProxy and nginx");
    add_lb_options(*lb, lb_options);
    bench::FilesBenchOptions files_options;
    auto* files = app.add_subcommand("files", "the file service beside sshfs and a local FUSE file system");
    add_files_options(*files, files_options);
    bench::DatabaseBenchOptions database_options;
    auto* database =
        app.add_subcommand("database", "the database service beside PostgreSQL and SQLite in this process");
    add_database_options(*database, database_options);
    CLI11_PARSE(app, argument_count, arguments);
    if (lb->parsed()) return report(bench::bench_lb(lb_options));
    if (database->parsed()) return report(bench::bench_database(database_options));
    if (files->parsed()) return report(bench::bench_files(files_options));
    return report(bench::bench_up(up_options));
}
