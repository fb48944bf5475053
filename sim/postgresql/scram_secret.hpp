// SPDX-License-Identifier: Apache-2.0
// What a server keeps in place of a password. Rule: RFC 5802 section 3, RFC 7677; the text is what PostgreSQL
// stores in pg_authid and takes after PASSWORD (its documentation, "Overview of pg_authid"). Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace understudy::postgresql {

// "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>". The password is one of letters and digits, so
// that SASLprep leaves it as it is.
std::string scram_secret(std::string_view password, std::string_view salt, int iterations);

// 16 bytes from the machine's randomness.
std::string random_salt();

}  // namespace understudy::postgresql
