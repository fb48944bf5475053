// SPDX-License-Identifier: Apache-2.0
// The LZ4 legacy frame that a Linux kernel unpacks its first root file system from: blocks of 8 MiB, each
// after its compressed size (Linux, lib/decompress_unlz4.c; LZ4 frame format, "Legacy frame"). decompress()
// reads it back.
#pragma once

#include <string>
#include <string_view>

namespace understudy::vmctl {

std::string compress_lz4_legacy(std::string_view data);

}  // namespace understudy::vmctl
