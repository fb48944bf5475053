// SPDX-License-Identifier: Apache-2.0
#include "tls_of_test.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace understudy::lb {
namespace {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* held) const {
        Free(held);
    }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

Owned<SSL_CTX, SSL_CTX_free> server_context() {
    const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
    const Owned<X509, X509_free> certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), -3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("elsewhere.test"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_server_method()));
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key.get()), 1);
    return context;
}

}  // namespace

TlsRequest answer_over_tls(Peer& peer, const std::string& answer) {
    TlsRequest request;
    const auto context = server_context();
    const Owned<SSL, SSL_free> tls(SSL_new(context.get()));
    SSL_set_fd(tls.get(), peer.fd());
    if (SSL_accept(tls.get()) != 1) return request;
    request.shaken_hands = true;
    if (const char* name = SSL_get_servername(tls.get(), TLSEXT_NAMETYPE_host_name))
        request.server_name = name;
    char buffer[1024];
    for (int size = 0; !request.text.ends_with("\r\n\r\n");) {
        if ((size = SSL_read(tls.get(), buffer, sizeof buffer)) <= 0) break;
        request.text.append(buffer, static_cast<std::size_t>(size));
    }
    if (!answer.empty()) SSL_write(tls.get(), answer.data(), static_cast<int>(answer.size()));
    SSL_shutdown(tls.get());
    SSL_shutdown(tls.get());  // waits for the client's part
    return request;
}

}  // namespace understudy::lb
