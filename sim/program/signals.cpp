// SPDX-License-Identifier: Apache-2.0
#include "sim/program/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>

namespace understudy::program {

Result<io::UniqueFd> catch_signals(std::span<const int> signals) {
    sigset_t caught;
    sigemptyset(&caught);
    for (const int signal : signals) sigaddset(&caught, signal);
    if (::sigprocmask(SIG_BLOCK, &caught, nullptr) != 0) return system_error("signals", errno);
    io::UniqueFd descriptor(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor.valid()) return system_error("signals", errno);
    return descriptor;
}

}  // namespace understudy::program
