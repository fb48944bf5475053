// SPDX-License-Identifier: Apache-2.0
// The primitives that SCRAM needs, from OpenSSL, and random bytes from the kernel.
#pragma once

#include <string>

#include "storage/database/core/scram.hpp"

namespace understudy::database {

Crypto openssl_crypto();
std::string random_bytes(std::size_t count);

}  // namespace understudy::database
