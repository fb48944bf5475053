// SPDX-License-Identifier: Apache-2.0
#include "tests/support/certificate.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace understudy::test {
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
using File = Owned<BIO, BIO_free_all>;

}  // namespace

CertificateFiles write_certificate(const std::filesystem::path& folder, const char* name) {
    const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
    const Owned<X509, X509_free> certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1,
                               -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    for (const auto& [kind, value] :
         {std::pair(NID_subject_alt_name, "IP:127.0.0.1"), std::pair(NID_basic_constraints, "CA:TRUE")}) {
        const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
        X509_add_ext(certificate.get(), extension.get(), -1);
    }
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    CertificateFiles files{folder / (std::string(name) + ".pem"), folder / (std::string(name) + ".key")};
    const File written(BIO_new_file(files.certificate.c_str(), "w")),
        written_key(BIO_new_file(files.key.c_str(), "w"));
    if (!written || !written_key || PEM_write_bio_X509(written.get(), certificate.get()) != 1 ||
        PEM_write_bio_PrivateKey(written_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw std::runtime_error("a certificate could not be written below " + folder.string());
    return files;
}

}  // namespace understudy::test
