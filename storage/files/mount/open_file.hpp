// SPDX-License-Identifier: Apache-2.0
// A file or folder that somebody has open through the mount. The kernel's handle and every operation that is
// still running share it; its fid is clunked when the last of them has let go.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "storage/files/mount/link.hpp"

namespace understudy::files {

struct OpenFile {
    OpenFile(Link& link, std::uint32_t own_fid, std::uint64_t file_number, int open_flags)
        : fid(own_fid), number(file_number), flags(open_flags), owner(link.weak()) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (std::shared_ptr<Link*> link = owner.lock()) (*link)->forget(fid);
    }
    // From then on each write is waited for: a caller that goes on is told what happens to it.
    void write_failed(int error) {
        has_failed = true;
        if (write_error == 0) write_error = error;
    }
    int take_write_error() { return std::exchange(write_error, 0); }

    const std::uint32_t fid;
    const std::uint64_t number;  // qid.path
    const int flags;             // O_RDWR, O_APPEND and the like
    const std::weak_ptr<Link*> owner;
    bool has_failed = false;
    int write_error = 0;                  // of a write nobody waited for, not told yet
    std::shared_ptr<OpenFile> for_pages;  // where `flags` appends: what a mapping's pages are written through
};
using OpenFilePtr = std::shared_ptr<OpenFile>;

}  // namespace understudy::files
