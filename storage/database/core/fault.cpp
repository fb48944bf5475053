// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/fault.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <set>

#include "storage/core/fault_words.hpp"

namespace understudy::database {
namespace {

struct KnownFault {
    FaultKind kind;
    const char* name;
    std::set<std::string> keys;
};
const std::array<KnownFault, 7>& known_faults() {
    static const std::array<KnownFault, 7> all = {{
        {FaultKind::freeze, "freeze", {"for"}},
        {FaultKind::refuse, "refuse", {"for"}},
        {FaultKind::slow_commits, "slow-commits", {"latency", "for"}},
        {FaultKind::read_only, "read-only", {"for"}},
        {FaultKind::disk_full, "disk-full", {"for"}},
        {FaultKind::clock_step, "clock-step", {"step", "for"}},
        {FaultKind::power_loss, "power-loss", {"torn", "seed"}},
    }};
    return all;
}

Result<void> take_fault_word(Fault& fault, const std::string& key, const std::string& value) {
    if (key == "latency") {
        UNDERSTUDY_TRY(fault.latency, storage::time_word(key, value));
    } else if (key == "step") {
        UNDERSTUDY_TRY(fault.step, storage::signed_time_word(key, value));
    } else if (key == "for") {
        UNDERSTUDY_TRY(fault.lasts, storage::time_word(key, value));
    } else if (key == "torn") {
        UNDERSTUDY_TRY(fault.torn, storage::torn_word(key, value));
    } else {
        UNDERSTUDY_TRY(fault.seed, storage::number_word<std::uint64_t>(key, value, 0, UINT64_MAX));
    }
    return {};
}

std::string with_sign(Duration step) {
    return (step > Duration::zero() ? "+" : "") + format_duration(step);
}

}  // namespace

const char* to_string(FaultKind kind) {
    for (const KnownFault& known : known_faults())
        if (known.kind == kind) return known.name;
    return "unknown";
}

std::string describe(const Fault& fault) {
    std::string text = to_string(fault.kind);
    if (fault.latency > Duration::zero()) text += ", latency " + format_duration(fault.latency);
    if (fault.step != Duration::zero()) text += ", step " + with_sign(fault.step);
    if (fault.torn != storage::TornWrites::none)
        text += fmt::format(", torn {}, seed {}", storage::to_string(fault.torn), fault.seed);
    if (fault.lasts) text += ", for " + format_duration(*fault.lasts);
    return text;
}

Result<Fault> parse_fault(const std::string& kind, const std::map<std::string, std::string>& words) {
    std::set<std::string> names;
    for (const KnownFault& known : known_faults()) {
        names.insert(known.name);
        if (kind != known.name) continue;
        Fault fault;
        fault.kind = known.kind;
        for (const auto& [key, value] : words) {
            if (!known.keys.contains(key))
                return storage::bad_word(key, fmt::format("a {} fault has no such setting", kind),
                                         fmt::format("it has {}", fmt::join(known.keys, ", ")));
            UNDERSTUDY_CHECK(take_fault_word(fault, key, value));
        }
        if (fault.kind == FaultKind::slow_commits && fault.latency == Duration::zero())
            return storage::bad_word("latency", "is missing", "say how much longer a commit takes");
        if (fault.kind == FaultKind::clock_step && fault.step == Duration::zero())
            return storage::bad_word("step", "is missing", "say how far the clock goes: step=+5s, step=-5s");
        return fault;
    }
    return storage::bad_word(kind, "no such fault", fmt::format("use {}", fmt::join(names, ", ")));
}

}  // namespace understudy::database
