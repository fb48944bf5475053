// SPDX-License-Identifier: Apache-2.0
// What a file service holds, as an administrator reads it. Pure but for the clock handed in.
#pragma once

#include <map>
#include <string>

#include "base/json.hpp"
#include "base/time.hpp"
#include "storage/files/server/connection.hpp"

namespace understudy::files {

using Shares = std::map<std::string, ExportedShare>;

// {"shares":[{"name","used_bytes","quota_bytes" (0: none),"power_loss","asks_for_key","fence",
// "requests_waiting","sessions":[{"client","leased","lease_ms","locks"}],"locks":[LOCK],"waiting":[LOCK],
// "carried_fences":[{"client","path","number","overtaken"}],"faults":[FAULT]}]}
// LOCK: {"client","path","kind" (range, whole_file),"mode","first","last" (null: to the end),"fence"}.
// FAULT: {"id","kind","detail","age_ms","befell"}. lease_ms: what is left, null without a lease.
json::object state_document(const Shares& shares, Instant now);
// One member of every share of that: {"shares":[{"name", PART}]}.
json::object part_document(const Shares& shares, const std::string& part, Instant now);

// Prometheus' text format: metrics named understudy_files_*, label share first.
std::string metrics_text(const Shares& shares);

}  // namespace understudy::files
