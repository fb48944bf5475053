// SPDX-License-Identifier: Apache-2.0
// A balancer's snapshot as an administrator reads it. Pure.
#pragma once

#include <string>

#include "base/json.hpp"
#include "lb/snapshot.hpp"

namespace understudy::lb {

// {"name","data_path","frontend","backends":[{"host","address","state","reason","probes":[{"probe","health",
// "reason","since_ms","past":[{"ms_ago","healthy","text"}]}]}],"rules":[{"name","eligible":[host],
// "falls_back","refused_no_backend","refused_over_limit","idle_timeouts","backends":[{"host","total",
// "established","failed","bytes_to_backend","bytes_to_client"}]}]}. Times are milliseconds before now; past
// results come oldest first.
json::object state_document(const Snapshot& snapshot, const Config& config);

// The same in Prometheus' text format, version 0.0.4: metrics named understudy_lb_*, labels rule, backend,
// probe. Rule: https://prometheus.io/docs/instrumenting/exposition_formats/.
std::string metrics_text(const Snapshot& snapshot);

}  // namespace understudy::lb
