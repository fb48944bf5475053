// SPDX-License-Identifier: Apache-2.0
// The lock that makes one process the owner of a message journal directory: byte 1 of DIR/server.lock, held
// by a POSIX record lock (fcntl), which a network file service hands out across hosts and frees when a
// client's lease is over. Byte 0 is a state ('L', live), bytes 3 to 18 the owner's random id, written only
// under the lock: verify() asks for the lock again (a lock this process has is granted; another's is refused)
// and reads the id back past the page cache, so that it notices both a lock that is gone and one that someone
// held in between. Blocking, on a Worker's thread. No other descriptor of server.lock may be opened in the
// process: closing any of them would free the lock (fcntl(2)).
#pragma once

#include <array>
#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::node {

class JournalLock {
  public:
    // Makes the directory (one level) where it is missing and opens the lock file.
    static Result<JournalLock> open(const std::string& directory);

    Result<bool> try_lock();  // false: another process has it
    Result<void> verify();    // an error: not ours any more, or the share does not serve
    Result<void> unlock();
    Result<void> probe();  // one operation on the share, without the lock

  private:
    JournalLock(io::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    Result<bool> request(short type);

    io::UniqueFd fd_;
    std::string path_;
    std::array<char, 16> id_{};
};

}  // namespace understudy::node
