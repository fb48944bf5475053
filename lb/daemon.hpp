// SPDX-License-Identifier: Apache-2.0
// understudy-lb as a process: reads its configuration, serves until SIGTERM or SIGINT, reads it again on
// SIGHUP or when the administration asks for it. A configuration that can't be read or used leaves the one
// before in force, said in the log and as the event reload_failed {error}.
#pragma once

#include <string>

namespace understudy::lb {

// The exit status: 0 after a signal, otherwise that of the error, which has been written to stderr.
int run_daemon(const std::string& config_path);

// Writes every line of the error to stderr as "understudy: …"; the exit status for it.
int fail(const std::string& message, int exit_status);

}  // namespace understudy::lb
