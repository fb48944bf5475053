// SPDX-License-Identifier: Apache-2.0
// Whom PostgreSQL runs as. It refuses to run as root, because whoever breaks into it would be root then. So
// root has it run as `postgres` where that account exists, else as `nobody`; an ordinary user, who stays
// itself in its user namespace, as that user. Threads: any.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace understudy::postgresql {

struct ServerUser {
    uid_t user = 0;
    gid_t group = 0;
};

ServerUser server_user();

// The command as that user, without the sandbox's capabilities, killed when its parent dies. It begins with
// setpriv(1): the kernel forgets the wish to die with the parent when the user changes, so what changes it
// has to renew it.
std::vector<std::string> as_server_user(const ServerUser& user, const std::vector<std::string>& command);

}  // namespace understudy::postgresql
