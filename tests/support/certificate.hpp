// SPDX-License-Identifier: Apache-2.0
// A certificate for tests: self-signed, for 127.0.0.1, valid for an hour, as PEM files.
#pragma once

#include <filesystem>

namespace understudy::test {

struct CertificateFiles {
    std::filesystem::path certificate, key;
};
CertificateFiles write_certificate(const std::filesystem::path& folder, const char* name = "server");

}  // namespace understudy::test
