// SPDX-License-Identifier: Apache-2.0
// The database service beside PostgreSQL and, as the limit, SQLite in the same process: all on one disk, each
// commit durable before it is answered.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::bench {

struct DatabaseBenchOptions {
    std::string programs;  // folder of understudy-db
    std::string folder;    // takes database.json and database.svg, and the data while it runs
    int rounds = 5;
    double seconds = 2;  // how long each workload runs in a round
    int rows = 100'000;  // of the table that is read, and of the bulk load
};

Result<void> bench_database(const DatabaseBenchOptions& options);

}  // namespace understudy::bench
