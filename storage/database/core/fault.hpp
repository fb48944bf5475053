// SPDX-License-Identifier: Apache-2.0
// The faults the database can be given while it serves, as values and as words.
//
//   freeze        it accepts, reads, commits and answers nothing until it is healed
//   refuse        new connections are refused with 57P03
//   slow-commits  each commit's durable write takes `latency` longer
//   read-only     what would write fails with 25006
//   disk-full     what needs space fails with 53100
//   clock-step    its clock, now() and CURRENT_TIMESTAMP, is `step` ahead (+5s) or behind (-5s)
//   power-loss    what was not synced is lost and the service ends; it can't be healed
//
// Words: KEY=VALUE of `latency`, `step`, `for` and, for power-loss, `torn` (none, pages, sectors) and `seed`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "storage/core/landing_choice.hpp"

namespace understudy::database {

enum class FaultKind { freeze, refuse, slow_commits, read_only, disk_full, clock_step, power_loss };

struct Fault {
    FaultKind kind = FaultKind::freeze;
    Duration latency{0};
    Duration step{0};               // negative: behind
    std::optional<Duration> lasts;  // healed by itself after that
    storage::TornWrites torn = storage::TornWrites::none;
    std::uint64_t seed = 1;
};

const char* to_string(FaultKind kind);
std::string describe(const Fault& fault);  // "slow-commits, latency 200ms, for 5s"

// Error kind bad_input: an unknown kind or key, a value out of range, a key that is missing or that the kind
// has no use for.
Result<Fault> parse_fault(const std::string& kind, const std::map<std::string, std::string>& words);

}  // namespace understudy::database
