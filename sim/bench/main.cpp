// SPDX-License-Identifier: Apache-2.0
// understudy-bench: the figures that the project claims, measured beside their peers.
#include <fmt/format.h>

#include <csignal>

#include "base/command_line/command_line.hpp"
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

void add_rounds(command_line::Command bench, int& rounds) {
    bench.option("--rounds", rounds, "how often each is measured, in turn")
        .between(1, 100)
        .with_default_in_help();
}

void add_up_options(command_line::Command up, bench::UpBenchOptions& options) {
    options.folder = beside("bench");
    up.option("--topology", options.topology, "the topology file").with_default_in_help();
    add_rounds(up, options.rounds);
}

void add_lb_options(command_line::Command lb, bench::LbBenchOptions& options) {
    options.programs = lab::program_directory().string();
    options.folder = beside("bench");
    options.peers = beside("peers/lb");
    options.contenders = bench::contender_names();
    lb.option("--contenders", options.contenders, "which of them")
        .separated_by(',')
        .one_of(bench::contender_names())
        .with_default_in_help();
    add_rounds(lb, options.rounds);
    lb.option("--kills", options.kills, "how often a backend dies for each data path")
        .between(0, 10'000)
        .with_default_in_help();
    lb.option("--idle", options.idle_connections, "idle connections while memory is measured")
        .between(1, 25'000)
        .with_default_in_help();
}

void add_files_options(command_line::Command files, bench::FilesBenchOptions& options) {
    options.programs = lab::program_directory().string();
    options.folder = beside("bench");
    options.peers = beside("peers/files");
    add_rounds(files, options.rounds);
    files.option("--files", options.files, "how many small files")
        .between(1, 1'000'000)
        .with_default_in_help();
    files.option("--megabytes", options.megabytes, "size of the sequential file in MiB")
        .between(1, 4096)
        .with_default_in_help();
    files.option("--only", options.only, "contenders or measures; all of a kind where none is named")
        .separated_by(',')
        .one_of(bench::only_names());
    files.option("--store", options.store, "folder on a disk for the servers' files (default: in memory)")
        .as_existing_directory();
}

void add_database_options(command_line::Command database, bench::DatabaseBenchOptions& options) {
    options.programs = lab::program_directory().string();
    options.folder = beside("bench");
    add_rounds(database, options.rounds);
    database.option("--seconds", options.seconds, "how long each workload runs in a round")
        .between(0.1, 600.0)
        .with_default_in_help();
    database.option("--rows", options.rows, "of the table that is read, and of the bulk load")
        .between(100, 10'000'000)
        .with_default_in_help();
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
    command_line::CommandLine app("understudy-bench",
                                  "Measures what the project claims, beside its peers, in one run");
    app.requires_subcommand();
    const command_line::Command up =
        app.subcommand("up", "time from up to the first payment, beside bare QEMU boots; resident memory");
    bench::UpBenchOptions up_options;
    add_up_options(up, up_options);
    bench::LbBenchOptions lb_options;
    const command_line::Command lb =
        app.subcommand("lb", "both data paths of the load balancer beside the bare route, HAProxy and nginx");
    add_lb_options(lb, lb_options);
    bench::FilesBenchOptions files_options;
    const command_line::Command files =
        app.subcommand("files", "the file service beside sshfs and a local FUSE file system");
    add_files_options(files, files_options);
    bench::DatabaseBenchOptions database_options;
    const command_line::Command database =
        app.subcommand("database", "the database service beside PostgreSQL and SQLite in this process");
    add_database_options(database, database_options);
    if (const auto status = app.parse(argument_count, arguments)) return *status;
    if (lb.chosen()) return report(bench::bench_lb(lb_options));
    if (database.chosen()) return report(bench::bench_database(database_options));
    if (files.chosen()) return report(bench::bench_files(files_options));
    return report(bench::bench_up(up_options));
}
