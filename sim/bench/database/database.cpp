// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/database/database.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "sim/bench/core/aims.hpp"
#include "sim/bench/core/metric.hpp"
#include "sim/bench/database/servers.hpp"
#include "sim/bench/database/workload.hpp"
#include "sim/bench/write_results.hpp"

namespace understudy::bench {
namespace {

const std::vector<Metric> metrics = {{"read_1", "prepared reads by key, 1 connection", "/s"},
                                     {"read_8", "prepared reads by key, 8 connections", "/s"},
                                     {"read_64", "prepared reads by key, 64 connections", "/s"},
                                     {"read_p50", "read by key, 1 connection, p50", "us", false},
                                     {"read_p99", "read by key, 1 connection, p99", "us", false},
                                     {"commit_1", "single-row commits, 1 connection", "/s"},
                                     {"tpcb_1", "TPC-B transactions, 1 connection", "/s"},
                                     {"tpcb_8", "TPC-B transactions, 8 connections", "/s"},
                                     {"tpcb_p99", "TPC-B transaction, 1 connection, p99", "us", false},
                                     {"bulk", "bulk load", "rows/s"},
                                     {"connection_kib", "private memory of a connection", "KiB", false}};

const std::vector<Aim> database_aims = {
    {"ours/postgresql", {"read_1", "read_8", "read_64", "commit_1", "tpcb_1"}, 1.0},
    {"ours/sqlite", {"commit_1"}, 0.5}};

// The folder with all data, gone at the end.
struct Scratch {
    explicit Scratch(const std::string& folder) : path(folder + "/database-XXXXXX") {
        std::filesystem::create_directories(folder);
        if (::mkdtemp(path.data()) == nullptr) path.clear();
    }
    ~Scratch() {
        std::error_code ignored;
        if (!path.empty()) std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

struct Servers {
    std::vector<DatabaseServer> all;
    ~Servers() {
        for (auto& server : all) stop(server);
    }
};

Result<void> measure(const DatabaseServer& server, const DatabaseBenchOptions& options, Samples& samples) {
    const auto note = [&](const char* key, double value) { samples[key][server.name].push_back(value); };
    UNDERSTUDY_TRY(const Load one, read_by_key(server.connection, 1, options.seconds, options.rows));
    note("read_1", one.per_second);
    note("read_p50", one.p50_us);
    note("read_p99", one.p99_us);
    UNDERSTUDY_TRY(const Load eight, read_by_key(server.connection, 8, options.seconds, options.rows));
    note("read_8", eight.per_second);
    UNDERSTUDY_TRY(const Load many, read_by_key(server.connection, 64, options.seconds, options.rows));
    note("read_64", many.per_second);
    UNDERSTUDY_TRY(const Load commits, commit_one(server.connection, options.seconds));
    note("commit_1", commits.per_second);
    UNDERSTUDY_TRY(const Load alone, transfer(server.connection, 1, options.seconds, options.rows));
    note("tpcb_1", alone.per_second);
    note("tpcb_p99", alone.p99_us);
    UNDERSTUDY_TRY(const Load crowd, transfer(server.connection, 8, options.seconds, options.rows));
    note("tpcb_8", crowd.per_second);
    UNDERSTUDY_TRY(const double loaded, bulk_load(server.connection, options.rows));
    note("bulk", loaded);
    UNDERSTUDY_TRY(const double kib, connection_kib(server.connection, server.process, 50));
    note("connection_kib", kib);
    return {};
}

Result<void> measure_sqlite(const std::string& file, const DatabaseBenchOptions& options, Samples& samples) {
    const auto note = [&](const char* key, double value) { samples[key]["sqlite"].push_back(value); };
    UNDERSTUDY_TRY(const Load one, read_by_key_sqlite(file, options.seconds, options.rows));
    note("read_1", one.per_second);
    note("read_p50", one.p50_us);
    note("read_p99", one.p99_us);
    UNDERSTUDY_TRY(const Load commits, commit_one_sqlite(file, options.seconds));
    note("commit_1", commits.per_second);
    UNDERSTUDY_TRY(const Load alone, transfer_sqlite(file, options.seconds, options.rows));
    note("tpcb_1", alone.per_second);
    note("tpcb_p99", alone.p99_us);
    UNDERSTUDY_TRY(const double loaded, bulk_load_sqlite(file, options.rows));
    note("bulk", loaded);
    return {};
}

}  // namespace

Result<void> bench_database(const DatabaseBenchOptions& options) {
    const Scratch scratch(options.folder);
    if (scratch.path.empty())
        return Error(ErrorKind::environment, options.folder, "no folder can be made in it");
    // PostgreSQL runs as another user where this one is root: the way to its folder must be open.
    std::filesystem::permissions(scratch.path, std::filesystem::perms(0755));
    Servers servers;
    UNDERSTUDY_TRY(DatabaseServer ours, start_ours(options.programs, scratch.path));
    servers.all.push_back(ours);
    UNDERSTUDY_TRY(DatabaseServer theirs, start_postgresql(scratch.path));
    servers.all.push_back(theirs);
    const std::string file = scratch.path + "/limit.sqlite";
    for (const auto& server : servers.all) UNDERSTUDY_CHECK(fill(server.connection, options.rows));
    UNDERSTUDY_CHECK(fill_sqlite(file, options.rows));
    Samples samples;
    for (int round = 1; round <= options.rounds; ++round) {
        for (const auto& server : servers.all) {
            fmt::print(stderr, "round {} of {}: {}\n", round, options.rounds, server.name);
            UNDERSTUDY_CHECK(measure(server, options, samples));
        }
        fmt::print(stderr, "round {} of {}: sqlite\n", round, options.rounds);
        UNDERSTUDY_CHECK(measure_sqlite(file, options, samples));
    }
    const Results results = compare(metrics, {"ours", "postgresql", "sqlite"}, samples,
                                    {{"ours", "postgresql"}, {"ours", "sqlite"}});
    fmt::print("{}", to_side_by_side(results));
    fmt::print(
        "\nAll durable: each commit is on the disk before it is answered. SQLite runs in this process: the "
        "limit.\n");
    return conclude(results, database_aims, options.folder, "database",
                    "understudy-db beside PostgreSQL and SQLite");
}

}  // namespace understudy::bench
