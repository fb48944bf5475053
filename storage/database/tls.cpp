// SPDX-License-Identifier: Apache-2.0
#include "storage/database/tls.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/io/clock.hpp"

namespace understudy::database {
namespace {

std::string last_tls_error() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "the connection was ended" : reason;
}

// The hash is that of the certificate's signature, but never a weaker one than SHA-256.
std::string hash_of(const X509* certificate) {
    int digest = NID_undef;
    if (X509_get_signature_info(const_cast<X509*>(certificate), &digest, nullptr, nullptr, nullptr) != 1)
        return {};
    const EVP_MD* method =
        digest == NID_md5 || digest == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(digest);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (method == nullptr || X509_digest(certificate, method, hash, &size) != 1) return {};
    return {reinterpret_cast<const char*>(hash), size};
}

// A key with a passphrase would be asked for on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const std::string& certificate,
                                                           const std::string& key) {
    auto result = std::make_shared<TlsContext>();
    result->context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = result->context_.get();
    if (context == nullptr) return Error(ErrorKind::environment, "TLS", last_tls_error());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // Without OpenSSL's own refusal of an end without a goodbye: it would keep the last words from being sent
    // to a client when the service ends. What a cut takes away shows in the messages' lengths.
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
        return Error(ErrorKind::bad_input, certificate,
                     "cannot be read as a certificate: " + last_tls_error())
            .with_remedy("name a PEM file");
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
        return Error(ErrorKind::bad_input, key,
                     "cannot be used as the certificate's key: " + last_tls_error())
            .with_remedy("name a PEM file with the key of that certificate, without a passphrase");
    result->binding_ = hash_of(SSL_CTX_get0_certificate(context));
    return std::shared_ptr<const TlsContext>(std::move(result));
}

TlsStream::TlsStream(const TlsContext& context, int descriptor)
    : ssl_(SSL_new(context.get())), descriptor_(descriptor) {
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    if (ssl_) SSL_set_fd(ssl_.get(), descriptor);
}

TlsStream::~TlsStream() {
    if (ssl_ && usable_) SSL_shutdown(ssl_.get());
}

// Until what OpenSSL wants is possible. False, with errno, where it never will be or the limit has passed.
bool TlsStream::wait(int failure, Instant until, bool limited) {
    if (failure != SSL_ERROR_WANT_READ && failure != SSL_ERROR_WANT_WRITE) {
        usable_ = false;  // not even for a goodbye
        errno = ECONNRESET;
        return false;
    }
    pollfd ready{descriptor_, static_cast<short>(failure == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    while (true) {
        int left_ms = -1;
        if (limited) {
            const auto left = (until - io::monotonic_now()) / 1ms;
            left_ms = static_cast<int>(std::clamp<std::int64_t>(left + 1, 0, INT_MAX));
        }
        const int events = ::poll(&ready, 1, left_ms);
        if (events > 0) return true;
        if (events < 0 && errno == EINTR) continue;
        if (events == 0) errno = EAGAIN;
        return false;
    }
}

std::optional<std::string> TlsStream::shake_hands(Duration limit) {
    if (!ssl_) return "out of memory";
    const Instant until = io::monotonic_now() + limit;
    while (true) {
        ERR_clear_error();
        const int done = SSL_accept(ssl_.get());
        if (done == 1) break;
        const int failure = SSL_get_error(ssl_.get(), done);
        if (failure == SSL_ERROR_SSL || failure == SSL_ERROR_SYSCALL) return last_tls_error();
        if (!wait(failure, until, true)) return "it took too long";
    }
    usable_ = true;
    return std::nullopt;
}

ssize_t TlsStream::receive(char* buffer, std::size_t size, Duration limit) {
    const bool limited = limit > Duration{};
    const Instant until = io::monotonic_now() + limit;
    while (true) {
        ERR_clear_error();
        std::size_t received = 0;
        const int done = SSL_read_ex(ssl_.get(), buffer, size, &received);
        if (done == 1) return static_cast<ssize_t>(received);
        const int failure = SSL_get_error(ssl_.get(), done);
        if (failure == SSL_ERROR_ZERO_RETURN) return 0;
        if (failure == SSL_ERROR_SYSCALL || failure == SSL_ERROR_SSL) {
            usable_ = false;
            return 0;
        }
        if (!wait(failure, until, limited)) return -1;
    }
}

bool TlsStream::send(std::string_view bytes, Duration limit) {
    while (!bytes.empty()) {
        ERR_clear_error();
        std::size_t sent = 0;
        const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
        if (done == 1)
            bytes.remove_prefix(sent);
        else if (!wait(SSL_get_error(ssl_.get(), done), io::monotonic_now() + limit, true))
            return false;
    }
    return true;
}

}  // namespace understudy::database
