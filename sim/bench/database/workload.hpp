// SPDX-License-Identifier: Apache-2.0
// What the bench asks of a server over libpq, and of SQLite in this process: reads by key with prepared
// statements, TPC-B-like transactions, a bulk load by COPY.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::bench {

struct Load {
    double per_second = 0;
    double p50_us = 0;
    double p99_us = 0;
};

// The tables, filled: account(id, balance, filler) with `rows` rows, teller, branch, history.
Result<void> fill(const std::string& connection, int rows);
Result<Load> read_by_key(const std::string& connection, int clients, double seconds, int rows);
Result<Load> commit_one(const std::string& connection,
                        double seconds);  // one row each, a transaction by itself
Result<Load> transfer(const std::string& connection, int clients, double seconds, int rows);
Result<double> bulk_load(const std::string& connection, int rows);  // rows a second
// Private memory that each of so many idle connections costs the server, in KiB.
Result<double> connection_kib(const std::string& connection, int process, int count);

// The same in this process, on a file with write-ahead log and synchronous=FULL.
Result<void> fill_sqlite(const std::string& file, int rows);
Result<Load> read_by_key_sqlite(const std::string& file, double seconds, int rows);
Result<Load> commit_one_sqlite(const std::string& file, double seconds);
Result<Load> transfer_sqlite(const std::string& file, double seconds, int rows);
Result<double> bulk_load_sqlite(const std::string& file, int rows);

}  // namespace understudy::bench
