// SPDX-License-Identifier: Apache-2.0
// A server's folders before it starts, and what they say of it while it runs. One server at a time has the
// data, and whoever calls this is the only one that starts servers in its host. Errors name the path.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "sim/postgresql/config.hpp"
#include "sim/postgresql/server_user.hpp"

namespace understudy::postgresql {

// Copies the template when there is no data yet, under another name until it is whole. Of a server that was
// killed it takes away the lock file and the socket: process numbers begin anew with each start of a pod, so
// the number in the lock may be that of any process, and PostgreSQL would not start beside it.
Result<void> prepare_folders(const Config& config, const ServerUser& user);

// Ends, by SIGKILL, every process that executes the program and works in the data directory, as all of a
// server's do, and waits for their end (at most 5 s, then a timeout error). A server's children outlive it by
// a statement that they have begun, which a machine that lost power would not finish.
Result<void> end_processes_of(const std::filesystem::path& program,
                              const std::filesystem::path& data_directory);

// Whether the server has written that it accepts connections: the eighth line of its lock file, as pg_ctl(1)
// reads it. It costs no connection, which the server would log as refused while it recovers.
bool says_it_is_ready(const std::filesystem::path& data_directory);

}  // namespace understudy::postgresql
