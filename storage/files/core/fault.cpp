// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/fault.hpp"

#include <fmt/format.h>

#include <array>
#include <set>

#include "storage/core/fault_words.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t max_words_bytes = 1024;

struct Kind {
    FaultKind kind;
    const char* name;
    std::set<std::string> keys;
};
const std::array<Kind, 6>& kinds() {
    static const std::array<Kind, 6> all = {{
        {FaultKind::stall, "stall", {"client", "path", "for"}},
        {FaultKind::error, "error", {"client", "path", "for", "error", "rate", "seed"}},
        {FaultKind::slow, "slow", {"client", "path", "for", "latency", "bytes_per_second"}},
        {FaultKind::read_only, "read-only", {"client", "path", "for"}},
        {FaultKind::cut_off, "cut-off", {"client", "for"}},
        {FaultKind::power_loss, "power-loss", {"torn", "seed"}},
    }};
    return all;
}

struct Errno {
    int number;
    const char* name;
};
constexpr std::array<Errno, 5> errors = {
    {{EIO, "EIO"}, {ENOSPC, "ENOSPC"}, {ESTALE, "ESTALE"}, {EDQUOT, "EDQUOT"}, {EROFS, "EROFS"}}};

using storage::bad_word;
using storage::number_word;
using storage::time_word;

Result<void> take(Fault& fault, const std::string& key, const std::string& value) {
    if (value.empty() || value.size() > max_words_bytes)
        return bad_word(key, "is empty or too long", "give a value of at most 1024 bytes");
    if (key == "client") {
        fault.client = value;
    } else if (key == "path") {
        fault.path = value;
    } else if (key == "rate") {
        UNDERSTUDY_TRY(fault.rate, number_word<double>(key, value, 0, 1));
    } else if (key == "seed") {
        UNDERSTUDY_TRY(fault.seed, number_word<std::uint64_t>(key, value, 0, UINT64_MAX));
    } else if (key == "latency") {
        UNDERSTUDY_TRY(fault.latency, time_word(key, value));
    } else if (key == "bytes_per_second") {
        UNDERSTUDY_TRY(fault.bytes_per_second, number_word<std::uint64_t>(key, value, 1, 1ULL << 40));
    } else if (key == "for") {
        UNDERSTUDY_TRY(fault.lasts, time_word(key, value));
    } else if (key == "torn") {
        UNDERSTUDY_TRY(fault.torn, storage::torn_word(key, value));
    } else {
        for (const Errno& known : errors)
            if (value == known.name && known.number != EROFS) {
                fault.error = known.number;
                return {};
            }
        return bad_word(key, fmt::format("'{}' is not offered", value), "use EIO, ENOSPC, ESTALE or EDQUOT");
    }
    return {};
}

}  // namespace

const char* to_string(FaultKind kind) {
    for (const Kind& known : kinds())
        if (known.kind == kind) return known.name;
    return "unknown";
}

std::string error_name(int error) {
    for (const Errno& known : errors)
        if (known.number == error) return known.name;
    return std::to_string(error);
}

std::string describe(const Fault& fault) {
    std::string text = to_string(fault.kind);
    if (fault.kind == FaultKind::error) {
        text += " " + error_name(fault.error);
        if (fault.rate < 1) text += fmt::format(", rate {}, seed {}", fault.rate, fault.seed);
    }
    if (fault.latency > Duration::zero()) text += ", latency " + format_duration(fault.latency);
    if (fault.bytes_per_second > 0) text += fmt::format(", {} bytes per second", fault.bytes_per_second);
    if (fault.torn != TornWrites::none)
        text += fmt::format(", torn {}, seed {}", storage::to_string(fault.torn), fault.seed);
    if (!fault.path.empty()) text += ", path " + fault.path;
    if (!fault.client.empty()) text += ", client " + fault.client;
    if (fault.lasts) text += ", for " + format_duration(*fault.lasts);
    return text;
}

Result<Fault> parse_fault(const std::string& kind, const std::map<std::string, std::string>& words) {
    for (const Kind& known : kinds()) {
        if (kind != known.name) continue;
        Fault fault;
        fault.kind = known.kind;
        for (const auto& [key, value] : words) {
            if (!known.keys.contains(key))
                return bad_word(key, fmt::format("a {} fault has no such setting", kind),
                                fmt::format("it has {}", fmt::join(known.keys, ", ")));
            UNDERSTUDY_CHECK(take(fault, key, value));
        }
        if (fault.kind == FaultKind::cut_off && fault.client.empty())
            return bad_word("client", "is missing", "say which client is cut off");
        if (fault.kind == FaultKind::slow && fault.latency == Duration::zero() && fault.bytes_per_second == 0)
            return bad_word("slow", "says nothing", "give latency or bytes_per_second");
        return fault;
    }
    return bad_word(kind, "no such fault", "use stall, error, slow, read-only, cut-off or power-loss");
}

}  // namespace understudy::files
