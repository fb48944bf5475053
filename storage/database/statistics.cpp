// SPDX-License-Identifier: Apache-2.0
#include "storage/database/statistics.hpp"

#include <fmt/format.h>

#include "base/prometheus_text.hpp"

namespace understudy::database {

const char* to_string(StatementKind kind) {
    static constexpr const char* names[] = {
        "empty",   "select", "insert",     "update",    "delete",  "definition",  "copy",
        "begin",   "commit", "rollback",   "savepoint", "release", "rollback_to", "set",
        "reset",   "show",   "deallocate", "close",     "prepare", "declare",     "explain",
        "execute", "fetch",  "listen",     "unlisten",  "notify",  "nothing"};
    static_assert(std::size(names) == static_cast<std::size_t>(StatementKind::nothing) + 1);
    return names[static_cast<std::size_t>(kind)];
}

void Statistics::count_statement(StatementKind kind) {
    const std::lock_guard lock(mutex_);
    ++statements_[kind];
}

void Statistics::count_error(const std::string& sqlstate) {
    const std::lock_guard lock(mutex_);
    ++errors_[sqlstate.substr(0, 2)];
}

void Statistics::count_commit(Duration took) {
    const std::lock_guard lock(mutex_);
    commits_.count(took);
}

void Statistics::count_write_wait(Duration waited, bool granted) {
    const std::lock_guard lock(mutex_);
    write_waits_.count(waited);
    if (!granted) ++write_waits_failed_;
}

std::string Statistics::metrics_text(const Gauges& now) const {
    std::string text;
    const auto single = [&](const char* name, const char* type, const char* help, std::uint64_t value) {
        PrometheusMetric(text, std::string("understudy_db_") + name, type, help).sample("", value);
    };
    single("connections", "gauge", "Connections that are open now.", now.connections);
    single("max_connections", "gauge", "The most connections that are let in.", now.max_connections);
    single("connections_opened_total", "counter", "Connections that logged in.", connections_opened);
    single("connections_refused_total", "counter", "Connections that were refused.", connections_refused);
    single("rollbacks_total", "counter", "Transactions rolled back.", rollbacks);
    single("lease_reads_total", "counter", "Statements that read node_mutual_exclusion.", lease_reads);
    single("lease_writes_total", "counter", "Commits that changed node_mutual_exclusion.", lease_writes);
    single("slow_statements_total", "counter", "Statements that took slow_statement_ms or longer.",
           slow_statements);
    single("events_withheld_total", "counter", "Events not reported for their number.", events_withheld);
    single("commits_waiting", "gauge", "Commits that faults hold now.", now.commits_waiting);
    single("faults", "gauge", "Faults in force.", now.faults);
    const std::lock_guard lock(mutex_);
    single("write_waits_failed_total", "counter",
           "Waits for the right to write that ended without it, in their time limit or cancelled.",
           write_waits_failed_);
    {
        PrometheusMetric metric(text, "understudy_db_statements_total", "counter",
                                "Statements run, by kind.");
        for (const auto& [kind, count] : statements_)
            metric.sample(fmt::format("kind=\"{}\"", to_string(kind)), count);
    }
    {
        PrometheusMetric metric(text, "understudy_db_errors_total", "counter",
                                "Statements that failed, by the class of their SQLSTATE.");
        for (const auto& [name, count] : errors_)
            metric.sample(fmt::format("class=\"{}\"", prometheus_escaped(name)), count);
    }
    {
        PrometheusMetric metric(text, "understudy_db_commit_seconds", "histogram",
                                "From COMMIT to what it wrote being on the disk.");
        commits_.append_to(metric, "");
    }
    PrometheusMetric metric(text, "understudy_db_write_wait_seconds", "histogram",
                            "From the wish to write to having the right to.");
    write_waits_.append_to(metric, "");
    return text;
}

}  // namespace understudy::database
