// SPDX-License-Identifier: Apache-2.0
// How much of the time some process of this machine had to wait for a processor or for the disk, from the
// kernel's pressure stall information (Linux, Documentation/accounting/psi.rst). A kernel without it tells
// nothing. One thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/event.hpp"
#include "base/time.hpp"

namespace understudy::lab {

// The time that "some" waited since the machine was started; nothing when the text is no such file's.
std::optional<Duration> waited_in(std::string_view pressure_file);

class MachineLoad {
  public:
    explicit MachineLoad(std::filesystem::path folder = "/proc/pressure") : folder_(std::move(folder)) {}

    // The event `machine_busy`, when some process waited for half of the time since the last call or longer.
    // The first call only begins the time.
    std::optional<Event> look(Instant now);

  private:
    struct Resource {
        const char* file;
        std::optional<Duration> waited{};
    };
    std::int64_t percent(Resource& resource, Duration passed) const;

    std::filesystem::path folder_;
    std::optional<Instant> looked_;
    Resource processors_{"cpu"}, disk_{"io"};
};

}  // namespace understudy::lab
