// SPDX-License-Identifier: Apache-2.0
#include "storage/files/io/share_key.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/assert.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t least_key_bytes = 16, most_key_bytes = 1024;

// Each part with its length before it, so that no two lists of parts give the same text.
void append_part(std::string& text, std::string_view part) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>((part.size() >> shift) & 0xff);
    text += part;
}

}  // namespace

Result<std::string> read_share_key(const std::string& path) {
    const io::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status = {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0)
        return system_error(path, errno, ErrorKind::bad_input);
    if ((status.st_mode & 077) != 0)
        return Error(ErrorKind::bad_input, path, "others than its owner may use it")
            .with_remedy("chmod 600 " + path);
    std::string text(most_key_bytes + 2, '\0');
    const ssize_t count = ::read(file.get(), text.data(), text.size());
    if (count < 0) return system_error(path, errno, ErrorKind::bad_input);
    text.resize(static_cast<std::size_t>(count));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.size() < least_key_bytes || text.size() > most_key_bytes)
        return Error(ErrorKind::bad_input, path, "a key has 16 to 1024 bytes")
            .with_number(static_cast<std::int64_t>(text.size()))
            .with_remedy("openssl rand -hex 32 > " + path);
    return text;
}

std::string fresh_nonce() {
    std::string nonce(nonce_bytes, '\0');
    const int made =
        ::RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), static_cast<int>(nonce.size()));
    UNDERSTUDY_ASSERT(made == 1, "OpenSSL has random bytes");
    return nonce;
}

std::string attach_proof(std::string_view key, std::string_view nonce, std::string_view user,
                         std::string_view share) {
    std::string text;
    for (const std::string_view part : {std::string_view("understudy-files attach"), nonce, user, share})
        append_part(text, part);
    std::array<unsigned char, EVP_MAX_MD_SIZE> proof = {};
    unsigned int length = 0;
    ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), proof.data(), &length);
    UNDERSTUDY_ASSERT(length == proof_bytes, "SHA-256 has 32 bytes");
    return {reinterpret_cast<const char*>(proof.data()), length};
}

bool same_proof(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace understudy::files
