// SPDX-License-Identifier: Apache-2.0
// What a daemon says on stderr: its log, and the error that it stops because of.
#pragma once

#include <string>

#include "base/result.hpp"

namespace understudy::io {

// Sets spdlog's default logger up: one line an entry, "time level program: text". The level comes from
// UNDERSTUDY_LOG (trace, debug, info, warn, error), default info.
void start_log(const std::string& program);

// "understudy: subject: reason (number)"; a configuration's diagnostics, one line each. The exit status.
int fail(const Error& error);

}  // namespace understudy::io
