// SPDX-License-Identifier: Apache-2.0
// The faults a share can be given while it serves, as values and as words.
//
//   stall       requests wait until it is healed
//   error       requests fail with an errno, each with a probability
//   slow        requests wait for a latency, and for their bytes at a rate
//   read-only   requests that change something fail with EROFS
//   cut-off     a client's requests are neither read nor answered
//   power-loss  what was not synced is lost and the service ends; it can't be healed
//
// Words: KEY=VALUE of `client`, `path` (glob.hpp), `error` (EIO, ENOSPC, ESTALE, EDQUOT), `rate` (0 to 1),
// `seed`, `latency`, `bytes_per_second`, `for` and, for power-loss, `torn` (none, pages, sectors).
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "storage/core/landing_choice.hpp"

namespace understudy::files {

enum class FaultKind { stall, error, slow, read_only, cut_off, power_loss };
using storage::TornWrites;

struct Fault {
    FaultKind kind = FaultKind::stall;
    std::string client;  // empty: every client
    std::string path;    // a pattern; empty: every file
    int error = EIO;
    double rate = 1;
    std::uint64_t seed = 1;
    Duration latency{0};
    std::uint64_t bytes_per_second = 0;  // 0: no limit
    std::optional<Duration> lasts;       // healed by itself after that
    TornWrites torn = TornWrites::none;
};

const char* to_string(FaultKind kind);
std::string error_name(int error);         // "EIO"; the number where it has no name here
std::string describe(const Fault& fault);  // "stall, path artemis/*, client corda-primary"

// Error kind bad_input: an unknown kind or key, a value out of range, a key the kind has no use for.
Result<Fault> parse_fault(const std::string& kind, const std::map<std::string, std::string>& words);

}  // namespace understudy::files
