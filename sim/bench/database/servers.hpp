// SPDX-License-Identifier: Apache-2.0
// The two servers of the bench, each a child process on loopback that dies with this process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace understudy::bench {

struct DatabaseServer {
    std::string name;
    std::string connection;  // for libpq
    pid_t process = 0;       // whose children, if any, serve connections
};

Result<DatabaseServer> start_ours(const std::string& programs, const std::string& folder);
Result<DatabaseServer> start_postgresql(const std::string& folder);
void stop(DatabaseServer& server);

// Resident memory of the process and its children that is theirs alone, in KiB.
std::int64_t private_kib(pid_t process);

}  // namespace understudy::bench
