// SPDX-License-Identifier: Apache-2.0
// The file systems of the bench: servers that all run at once on one host, each with a folder of its own in
// the same store, and how a host mounts each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/bench/rig.hpp"

namespace understudy::bench {

struct ContenderDescription {
    std::string name;
    std::string words;  // what it is, and what it keeps in caches
};
const std::vector<ContenderDescription>& file_contenders();

struct FileContender {
    std::string name;
    std::string folder;     // at the server
    std::string why_not{};  // not empty: this machine can't have it, and there is nothing to mount
    // Starts its client on a host of the rig; the client serves `where` until it is killed.
    std::function<Result<pid_t>(const std::string& host, const std::string& where, const std::string& log)>
        mount;
};

struct FileContenderOptions {
    std::vector<std::string> names;  // which of them
    std::string programs;            // folder of understudy-files and understudy-mount
    std::string peers;               // folder into which the peers' packages were unpacked, if they were
    std::string scratch;             // takes keys and configurations; gone with the sandbox
    std::string store;               // the servers' folders are made in it
    std::string logs;
};

constexpr const char* file_server_host = "server";
constexpr const char* file_server_address = "192.0.2.11";

// Starts the servers of those that are asked for, on the host "server" of the rig.
Result<std::vector<FileContender>> start_file_servers(Rig& rig, const FileContenderOptions& options);

// Mounts it on `host` at `where`, which is made. Error: the client's last words.
Result<void> mount_at(const FileContender& contender, const std::string& host, const std::string& where,
                      const std::string& log);

}  // namespace understudy::bench
