// SPDX-License-Identifier: Apache-2.0
// The key of a share, and the proof that a client has it. The server answers Tauth with a fresh nonce, read
// from the fid; the client writes HMAC-SHA256 of the nonce and the names it attaches by. The key itself is
// never sent, and a proof is worth nothing on another connection. Rule: RFC 2104 with SHA-256.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy::files {

constexpr std::size_t nonce_bytes = 32;
constexpr std::size_t proof_bytes = 32;

// The file's text without what ends its last line. Error kind bad_input: it can't be read, others than its
// owner may, or the key is shorter than 16 bytes or longer than 1024.
Result<std::string> read_share_key(const std::string& path);

std::string fresh_nonce();
std::string attach_proof(std::string_view key, std::string_view nonce, std::string_view user,
                         std::string_view share);
bool same_proof(std::string_view a, std::string_view b);  // takes as long whatever differs

}  // namespace understudy::files
