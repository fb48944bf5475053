// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/scram_secret.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

#include "base/assert.hpp"

namespace understudy::postgresql {
namespace {

using Digest = std::array<unsigned char, 32>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string base64(const unsigned char* bytes, std::size_t size) {
    std::string text(4 * ((size + 2) / 3) + 1, '\0');  // and the end that OpenSSL writes
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

Digest keyed(const Digest& key, std::string_view label) {
    Digest digest{};
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(label),
                            label.size(), digest.data(), nullptr);
    UNDERSTUDY_ASSERT(done != nullptr, "HMAC-SHA-256 is always available");
    return digest;
}

}  // namespace

std::string scram_secret(std::string_view password, std::string_view salt, int iterations) {
    Digest salted{};
    UNDERSTUDY_ASSERT(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                                        static_cast<int>(salt.size()), iterations, EVP_sha256(),
                                        static_cast<int>(salted.size()), salted.data()) == 1,
                      "PBKDF2 with SHA-256 is always available");
    const Digest client = keyed(salted, "Client Key");
    const Digest server = keyed(salted, "Server Key");
    Digest stored{};
    UNDERSTUDY_ASSERT(
        EVP_Digest(client.data(), client.size(), stored.data(), nullptr, EVP_sha256(), nullptr) == 1,
        "SHA-256 is always available");
    return fmt::format("SCRAM-SHA-256${}:{}${}:{}", iterations, base64(bytes_of(salt), salt.size()),
                       base64(stored.data(), stored.size()), base64(server.data(), server.size()));
}

std::string random_salt() {
    std::string salt(16, '\0');
    UNDERSTUDY_ASSERT(
        RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(salt.size())) == 1,
        "the machine has randomness to give");
    return salt;
}

}  // namespace understudy::postgresql
