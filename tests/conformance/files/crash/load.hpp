// SPDX-License-Identifier: Apache-2.0
// Load on a share whose service is being killed: each worker writes records into a file of its own at their
// places, appends lines to a log of its own, and makes files under their final names by rename. What it has
// fsynced it tells in memory that the checker shares, so that what was promised is known without the service.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace understudy::files::testing {

constexpr std::uint64_t record_bytes = 700;  // not a divisor of a page

struct Progress {
    std::atomic<std::uint64_t> synced = 0;  // records, lines and renamed files that must be there
    std::atomic<std::uint64_t> step = 0;    // any step at all: whoever hangs makes none
    std::atomic<bool> failed = false;
    char what[128] = {};
};

// Until `stop`. 0, or 1 with the reason in `progress`.
int load(Progress& progress, const std::atomic<bool>& stop, const std::string& folder, int worker);

struct Kept {
    std::string missing;               // "" when everything synced is there, else what isn't
    std::uint64_t repeated_lines = 0;  // of the log: sent again after a lost reply
};

// Looks into the service's own folder for the first `synced` steps of a worker.
Kept check(const std::string& folder, int worker, std::uint64_t synced);

}  // namespace understudy::files::testing
