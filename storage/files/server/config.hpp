// SPDX-License-Identifier: Apache-2.0
// What understudy-files is told: where to listen and what to export.
//
//   listen: 203.0.113.20:564
//   admin_socket: /run/understudy-files.sock
//   exports:
//     corda-files: {path: /srv/corda-files, quota: 1GiB, client_lease: 30s, delegate_after: 1s,
//                   power_loss: true, clients: [192.0.2.0/24], key_file: /etc/understudy/corda-files.key}
//
// `path` is a directory, made if missing. `quota` (default: none) limits the sum of the regular files'
// lengths, counted once when the server starts and kept up after that: a sparse file counts whole, names and
// directories count nothing, an unlinked file that is still open counts nothing. `client_lease` (default 30s,
// at least 200ms) is how long after a client's last message its locks stay its own. `delegate_after` (default
// 1s) is how long nobody else must have changed anything before a client is given the share's delegation:
// core/delegation.hpp. Beside the directory a
// file PATH.sessions names the live sessions, so that a restarted server lets them reclaim their locks.
// `power_loss` (default: no) keeps what a loss of power would take, so that it can be a fault: undo_log.hpp.
// `clients` (default: any) are the addresses and networks that may attach. `key_file` (default: none) has the
// key that a client must prove to have: share_key.hpp. `admin_socket` (default: none): admin_server.hpp.
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::files {

struct ExportConfig {
    std::string name;
    std::string path;
    std::uint64_t quota_bytes = 0;  // 0: none
    Duration client_lease = 30s;
    Duration delegate_after = 1s;
    bool power_loss = false;
    std::vector<Ipv4Network> clients{};  // empty: any
    std::string key_file{};              // empty: no key
};

struct ServerConfig {
    Endpoint listen;
    std::vector<ExportConfig> exports;
    std::string admin_socket{};  // empty: none
};

// Error kind bad_input: every mistake, one a line.
Result<ServerConfig> load_server_config(const std::string& path);

}  // namespace understudy::files
