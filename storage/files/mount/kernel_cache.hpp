// SPDX-License-Identifier: Apache-2.0
// What the kernel was told to keep of a mount's names and attributes, to be forgotten at once: without
// waiting for anything that a program's request may hold. One thread (the mount's).
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

namespace understudy::files {

class KernelCache {
  public:
    virtual ~KernelCache() = default;
    // Every name. False: this kernel can't, and must not be told to keep any.
    virtual bool forget_names() = 0;
    virtual void forget_attributes(fuse_ino_t inode) = 0;
};

}  // namespace understudy::files
