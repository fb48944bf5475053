// SPDX-License-Identifier: Apache-2.0
// Mounts FUSE by mount(2) itself: no fusermount is needed, only CAP_SYS_ADMIN over the mount namespace, real
// or of a user namespace. The directory is made if missing; a dead mount that a killed process left there is
// detached first.
#pragma once

#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::files {

class Mountpoint {
  public:
    // The descriptor is /dev/fuse, not blocking. Error kind environment: no /dev/fuse, no privilege.
    static Result<Mountpoint> mount(const std::string& path, const std::string& source);

    int descriptor() const { return fuse_.get(); }
    void unmount();  // lazily: what still uses it keeps an unreachable mount

  private:
    Mountpoint(std::string path, io::UniqueFd fuse) : path_(std::move(path)), fuse_(std::move(fuse)) {}
    std::string path_;
    io::UniqueFd fuse_;
};

}  // namespace understudy::files
