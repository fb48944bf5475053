// SPDX-License-Identifier: Apache-2.0
// The compressions that kernels and kernel modules come in, told apart by their first bytes: LZ4 in the
// legacy frame of the kernel's build, Zstandard and XZ. What follows the compressed data is ignored.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy::vmctl {

constexpr std::size_t max_decompressed_bytes = 256u << 20;

// The error says what is wrong with `data`, or that its compression is unknown; `subject` names it.
Result<std::string> decompress(std::string_view data, const std::string& subject);

}  // namespace understudy::vmctl
