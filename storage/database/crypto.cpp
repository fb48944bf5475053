// SPDX-License-Identifier: Apache-2.0
#include "storage/database/crypto.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include "base/assert.hpp"

namespace understudy::database {
namespace {

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

std::string sha256(std::string_view data) {
    std::string digest(32, '\0');
    const int done = EVP_Digest(data.data(), data.size(), bytes_of(digest), nullptr, EVP_sha256(), nullptr);
    UNDERSTUDY_ASSERT(done == 1, "SHA-256 is always available");
    return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string digest(32, '\0');
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(data),
                            data.size(), bytes_of(digest), nullptr);
    UNDERSTUDY_ASSERT(done != nullptr, "HMAC-SHA-256 is always available");
    return digest;
}

std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations) {
    std::string key(32, '\0');
    const int done =
        PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                          static_cast<int>(salt.size()), iterations, EVP_sha256(), 32, bytes_of(key));
    UNDERSTUDY_ASSERT(done == 1, "PBKDF2 is always available");
    return key;
}

}  // namespace

Crypto openssl_crypto() {
    return {sha256, hmac_sha256, pbkdf2_sha256};
}

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    const ssize_t filled = ::getrandom(bytes.data(), count, 0);
    UNDERSTUDY_ASSERT(filled == static_cast<ssize_t>(count), "getrandom fills up to 256 bytes at once");
    return bytes;
}

}  // namespace understudy::database
