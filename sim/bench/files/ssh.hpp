// SPDX-License-Identifier: Apache-2.0
// OpenSSH for a bench: a server with keys, accounts and configuration of its own, in the sandbox only, and
// what a client needs to log in to it. And the same file service without ssh: sftp-server on a plain TCP
// port, a process for each connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/bench/rig.hpp"

namespace understudy::bench {

struct SshPlace {
    std::string root;     // of the peers' programs
    std::string folder;   // takes keys and configuration; must be gone with the sandbox
    std::string host;     // of the rig
    std::string address;  // of that host
};

constexpr const char* ssh_user = "bench";  // stands for the user that the bench runs as

// What must be below a root of peers.
const std::vector<std::string>& ssh_programs();

// Covers the sandbox's /etc/passwd and /etc/shadow by the accounts that ssh and sshd need; `folder` takes
// them.
Result<void> make_accounts(const std::string& folder);

// Returns the path of a client's configuration (ssh -F) with key and known host.
Result<std::string> start_sshd(const Rig& rig, const SshPlace& place, const std::string& log);

// Returns once it listens.
Result<void> start_sftp_listener(const Rig& rig, const SshPlace& place, std::uint16_t port);

}  // namespace understudy::bench
