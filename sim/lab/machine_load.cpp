// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/machine_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace understudy::lab {
namespace {

constexpr std::int64_t busy_percent = 50;

}  // namespace

std::optional<Duration> waited_in(std::string_view pressure_file) {
    constexpr std::string_view line = "some ", field = " total=";
    if (!pressure_file.starts_with(line)) return std::nullopt;
    pressure_file = pressure_file.substr(0, pressure_file.find('\n'));
    const std::size_t at = pressure_file.find(field);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view digits = pressure_file.substr(at + field.size());
    std::int64_t microseconds = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), microseconds);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    return std::chrono::microseconds(microseconds);
}

std::int64_t MachineLoad::percent(Resource& resource, Duration passed) const {
    std::ifstream file(folder_ / resource.file);
    std::ostringstream text;
    text << file.rdbuf();
    const std::optional<Duration> waited = waited_in(text.str()), before = resource.waited;
    resource.waited = waited;
    if (!waited || !before || passed <= Duration::zero()) return 0;
    return std::clamp<std::int64_t>((*waited - *before) * 100 / passed, 0, 100);
}

std::optional<Event> MachineLoad::look(Instant now) {
    const Duration passed = looked_ ? now - *looked_ : Duration::zero();
    looked_ = now;
    const std::int64_t processors = percent(processors_, passed), disk = percent(disk_, passed);
    if (processors < busy_percent && disk < busy_percent) return std::nullopt;
    return Event{
        "lab",
        "machine_busy",
        fmt::format("for {} % of the last {} some process waited for a processor, for {} % for the disk",
                    processors, format_duration(std::chrono::round<std::chrono::milliseconds>(passed)), disk),
        {{"processor_percent", processors}, {"disk_percent", disk}}};
}

}  // namespace understudy::lab
