// SPDX-License-Identifier: Apache-2.0
// What the database did, counted for Prometheus. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/time.hpp"
#include "storage/core/latency_histogram.hpp"
#include "storage/database/sql/statement.hpp"

namespace understudy::database {

class Statistics {
  public:
    std::atomic<std::uint64_t> connections_opened = 0, connections_refused = 0;
    std::atomic<std::uint64_t> rollbacks = 0;
    std::atomic<std::uint64_t> lease_reads = 0, lease_writes = 0;
    std::atomic<std::uint64_t> slow_statements = 0;
    std::atomic<std::uint64_t> events_withheld = 0;

    void count_statement(StatementKind kind);
    void count_error(const std::string& sqlstate);  // by its class, the first two characters
    void count_commit(Duration took);               // of a transaction that could write
    void count_write_wait(Duration waited, bool granted);

    // Prometheus' text format; what is true at this moment is handed in.
    struct Gauges {
        std::uint64_t connections = 0, max_connections = 0, commits_waiting = 0, faults = 0;
    };
    std::string metrics_text(const Gauges& now) const;

  private:
    mutable std::mutex mutex_;
    std::map<StatementKind, std::uint64_t> statements_;
    std::map<std::string, std::uint64_t> errors_;
    storage::LatencyHistogram commits_, write_waits_;
    std::uint64_t write_waits_failed_ = 0;
};

const char* to_string(StatementKind kind);

}  // namespace understudy::database
