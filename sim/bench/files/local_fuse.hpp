// SPDX-License-Identifier: Apache-2.0
// The limit of a file service that is mounted with FUSE: a file system that passes each request on to a local
// folder, by libfuse's low-level interface, with as many threads as requests. It keeps nothing: no names, no
// attributes, no data (direct_io). Only what the bench asks for: no listing, no links, no extended
// attributes.
#pragma once

#include <string>

namespace understudy::bench {

// Mounts `folder` at `mountpoint` and serves it until it is killed; returns only what is wrong, as exit
// status 1.
int serve_local_fuse(const std::string& folder, const std::string& mountpoint);

}  // namespace understudy::bench
