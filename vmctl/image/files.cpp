// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::vmctl {
namespace {

constexpr off_t max_file_bytes = off_t{512} << 20;

Error file_error(const std::filesystem::path& path) {
    return system_error(path.string(), errno, ErrorKind::environment);
}

Result<void> write_all(int descriptor, std::string_view content, const std::filesystem::path& path) {
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return file_error(path);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Result<std::string> read_whole_file(const std::filesystem::path& path) {
    const io::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0) return file_error(path);
    if (!S_ISREG(status.st_mode) || status.st_size > max_file_bytes)
        return Error(ErrorKind::environment, path.string(), "is not a file of at most 512 MiB");
    std::string content(static_cast<std::size_t>(status.st_size), '\0');
    for (std::size_t at = 0; at < content.size();) {
        const ssize_t got = ::read(file.get(), content.data() + at, content.size() - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error(path);
        if (got == 0) return Error(ErrorKind::environment, path.string(), "became shorter while it was read");
        at += static_cast<std::size_t>(got);
    }
    return content;
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
    std::string temporary = (path.parent_path() / ("tmp-" + path.filename().string() + "-XXXXXX")).string();
    const io::UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file.valid()) return file_error(temporary);
    auto done = write_all(file.get(), content, temporary);
    if (done.has_value() && (::fchmod(file.get(), 0644) != 0 || ::fdatasync(file.get()) != 0 ||
                             ::rename(temporary.c_str(), path.c_str()) != 0))
        done = file_error(path);
    if (done.has_error()) ::unlink(temporary.c_str());
    return done;
}

ContentHash::ContentHash() : context_(EVP_MD_CTX_new()) {
    UNDERSTUDY_ASSERT(context_ != nullptr &&
                          EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1,
                      "SHA-256 is available");
}

ContentHash::~ContentHash() {
    EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void ContentHash::add(std::string_view piece) {
    const std::string length = std::to_string(piece.size()) + ":";
    auto* context = static_cast<EVP_MD_CTX*>(context_);
    UNDERSTUDY_ASSERT(EVP_DigestUpdate(context, length.data(), length.size()) == 1 &&
                          EVP_DigestUpdate(context, piece.data(), piece.size()) == 1,
                      "hashing memory can't fail");
}

std::string ContentHash::finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest, &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += "0123456789abcdef"[digest[i] >> 4];
        text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
}

}  // namespace understudy::vmctl
