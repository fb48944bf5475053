// SPDX-License-Identifier: Apache-2.0
// The bench of file services: ours beside sshfs and beside a local FUSE file system, which is the limit, in
// one sandbox over one virtual link, in rounds taken in turn: sequential and random reads and writes, small
// files, lock round trips. What a contender can't do is left out, and the reason is said.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::bench {

struct FilesBenchOptions {
    int rounds = 5;
    int files = 10'000;   // small ones
    int megabytes = 128;  // of the sequential file
    std::vector<std::string>
        only;              // contenders and measures (only_names()); all of a kind where none is named
    std::string store;     // the servers' folders are made in it; empty: in memory
    std::string programs;  // folder of understudy-files and understudy-mount
    std::string peers;     // folder of the peers' unpacked packages
    std::string folder;    // where files.json, files.svg and the logs go
};

// Every contender's name and every measure's.
std::vector<std::string> only_names();

// Prints the table. Runs in a sandbox of its own, which is gone when this returns. Error: that of the first
// measure that ours could not do too.
Result<void> bench_files(const FilesBenchOptions& options);

}  // namespace understudy::bench
