// SPDX-License-Identifier: Apache-2.0
// TLS for sessions (version 1.2 or later), over OpenSSL. TlsContext is the certificate and key, read once at
// the start and shared by all sessions, on any thread. TlsStream is one connection's: it borrows the socket,
// which it makes non-blocking so that each wait has a limit of its own, however few bytes come at a time. Its
// errors are those of recv() and send(): errno, EAGAIN after the limit. One thread.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::database {

class TlsContext {
  public:
    // PEM files: the certificate with its chain, and its key without a passphrase.
    static Result<std::shared_ptr<const TlsContext>> load(const std::string& certificate,
                                                          const std::string& key);

    // The certificate's hash for SCRAM's channel binding (RFC 5929, section 4.1); empty where its signature
    // has no hash (Ed25519).
    const std::string& binding() const { return binding_; }
    SSL_CTX* get() const { return context_.get(); }

  private:
    struct Free {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    std::unique_ptr<SSL_CTX, Free> context_;
    std::string binding_;
};

class TlsStream {
  public:
    TlsStream(const TlsContext& context, int descriptor);
    ~TlsStream();  // says goodbye, without waiting

    std::optional<std::string> shake_hands(Duration limit);  // why it failed
    // 0: the peer has ended. limit: none where it is 0.
    ssize_t receive(char* buffer, std::size_t size, Duration limit);
    bool pending() const { return SSL_pending(ssl_.get()) > 0; }  // bytes came that weren't received yet
    // False: the peer is gone, or has taken nothing for the limit.
    bool send(std::string_view bytes, Duration limit);

  private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    bool wait(int failure, Instant until, bool limited);
    std::unique_ptr<SSL, Free> ssl_;
    int descriptor_;
    bool usable_ = false;
};

}  // namespace understudy::database
