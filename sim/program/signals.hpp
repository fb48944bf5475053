// SPDX-License-Identifier: Apache-2.0
// Signals as something to wait for beside a child: blocked from now on, and read as signalfd_siginfo from the
// descriptor, which doesn't block.
#pragma once

#include <span>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::program {

Result<io::UniqueFd> catch_signals(std::span<const int> signals);

}  // namespace understudy::program
