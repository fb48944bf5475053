// SPDX-License-Identifier: Apache-2.0
// Sets spdlog's default logger up for a daemon: stderr, one line an entry, "time level program: text". The
// level comes from UNDERSTUDY_LOG (trace, debug, info, warn, error), default info.
#pragma once

#include <string>

namespace understudy::io {

void start_log(const std::string& program);

}  // namespace understudy::io
