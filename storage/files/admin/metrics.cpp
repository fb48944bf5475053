// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/prometheus_text.hpp"
#include "storage/files/admin/documents.hpp"

namespace understudy::files {
namespace {

std::string label(const std::string& share) {
    return fmt::format("share=\"{}\"", prometheus_escaped(share));
}

void append_requests(std::string& text, const Shares& shares) {
    PrometheusMetric metric(text, "understudy_files_requests_total", "counter",
                            "Requests answered, by kind and outcome.");
    for (const auto& [name, share] : shares)
        for (std::size_t kind = 0; kind < share.requests.kinds.size(); ++kind) {
            const RequestCounts::Kind& counted = share.requests.kinds[kind];
            if (counted.answered + counted.refused == 0 || request_name(kind) == nullptr) continue;
            const std::string labels = fmt::format("{},request=\"{}\"", label(name), request_name(kind));
            metric.sample(labels + ",outcome=\"done\"", counted.answered);
            metric.sample(labels + ",outcome=\"refused\"", counted.refused);
        }
}

void append_latencies(std::string& text, const Shares& shares) {
    PrometheusMetric metric(text, "understudy_files_request_seconds", "histogram",
                            "From the arrival of a request to its answer, by kind.");
    for (const auto& [name, share] : shares)
        for (std::size_t kind = 0; kind < share.requests.kinds.size(); ++kind) {
            const RequestCounts::Kind& counted = share.requests.kinds[kind];
            if (counted.latency.counted() == 0 || request_name(kind) == nullptr) continue;
            counted.latency.append_to(metric,
                                      fmt::format("{},request=\"{}\"", label(name), request_name(kind)));
        }
}

struct ShareMetric {
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t (*value)(const ExportedShare&);
};
constexpr ShareMetric share_metrics[] = {
    {"bytes_read_total", "counter", "Bytes given to clients.",
     [](const ExportedShare& it) { return it.requests.bytes_read; }},
    {"bytes_written_total", "counter", "Bytes taken from clients.",
     [](const ExportedShare& it) { return it.requests.bytes_written; }},
    {"used_bytes", "gauge", "What counts against the quota.",
     [](const ExportedShare& it) { return it.share->used_bytes(); }},
    {"quota_bytes", "gauge", "The quota, 0 for none.",
     [](const ExportedShare& it) { return it.share->quota_bytes(); }},
    {"sessions", "gauge", "Sessions that live now.",
     [](const ExportedShare& it) {
         return static_cast<std::uint64_t>(it.sessions->machine().sessions().size());
     }},
    {"sessions_opened_total", "counter", "Sessions opened.",
     [](const ExportedShare& it) { return it.sessions->counts().opened; }},
    {"sessions_resumed_total", "counter", "Reconnections to a session.",
     [](const ExportedShare& it) { return it.sessions->counts().resumed; }},
    {"sessions_ended_total", "counter", "Sessions that their client ended, or a newer one of it.",
     [](const ExportedShare& it) { return it.sessions->counts().ended; }},
    {"lease_expiries_total", "counter", "Sessions that ended with their lease.",
     [](const ExportedShare& it) { return it.sessions->counts().expired; }},
    {"locks", "gauge", "Locks held now.",
     [](const ExportedShare& it) {
         return static_cast<std::uint64_t>(it.sessions->machine().locks().size());
     }},
    {"lock_grants_total", "counter", "Locks granted.",
     [](const ExportedShare& it) { return it.sessions->counts().locks_granted; }},
    {"lock_waits_total", "counter", "Locks that were waited for.",
     [](const ExportedShare& it) { return it.sessions->counts().locks_waited; }},
    {"lock_refusals_total", "counter", "Files refused to a session for another's lock, each once.",
     [](const ExportedShare& it) { return it.sessions->counts().locks_refused; }},
    {"fencing_refusals_total", "counter",
     "Files whose writes were refused to an overtaken session, each once.",
     [](const ExportedShare& it) { return it.sessions->counts().writes_fenced; }},
    {"fence", "gauge", "The share's fencing number.",
     [](const ExportedShare& it) { return it.sessions->share_fence(); }},
    {"delegations_granted_total", "counter", "Times the share was delegated to a client.",
     [](const ExportedShare& it) { return it.sessions->counts().delegations_granted; }},
    {"delegations_recalled_total", "counter", "Delegations that were recalled.",
     [](const ExportedShare& it) { return it.sessions->counts().delegations_recalled; }},
    {"faults", "gauge", "Faults in force.",
     [](const ExportedShare& it) { return static_cast<std::uint64_t>(it.faults->in_force().size()); }},
    {"requests_waiting", "gauge", "Requests that faults hold now.",
     [](const ExportedShare& it) { return static_cast<std::uint64_t>(it.faults->waiting()); }},
};

}  // namespace

std::string metrics_text(const Shares& shares) {
    std::string text;
    append_requests(text, shares);
    append_latencies(text, shares);
    for (const ShareMetric& each : share_metrics) {
        PrometheusMetric metric(text, std::string("understudy_files_") + each.name, each.type, each.help);
        for (const auto& [name, share] : shares) metric.sample(label(name), each.value(share));
    }
    return text;
}

}  // namespace understudy::files
