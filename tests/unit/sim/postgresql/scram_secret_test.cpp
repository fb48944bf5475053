// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/scram_secret.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace understudy::postgresql {
namespace {

std::string decoded(const std::string& base64, std::size_t size) {
    std::string bytes(base64.size(), '\0');
    EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                    reinterpret_cast<const unsigned char*>(base64.data()), static_cast<int>(base64.size()));
    return bytes.substr(0, size);
}

// The salt, the iterations and the password are those of the exchange in RFC 7677, section 3.
TEST(ScramSecret, is_what_postgresql_would_store_for_the_exchange_of_the_standard) {
    EXPECT_EQ(scram_secret("pencil", decoded("W22ZaJ0SNY7soEsUEjb6gQ==", 16), 4096),
              "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
              "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST(ScramSecret, differs_by_salt_and_by_iterations) {
    const std::string salt = random_salt();
    EXPECT_EQ(salt.size(), 16u);
    EXPECT_NE(salt, random_salt());
    EXPECT_EQ(scram_secret("a", salt, 16), scram_secret("a", salt, 16));
    EXPECT_NE(scram_secret("a", salt, 16), scram_secret("a", salt, 17));
    EXPECT_NE(scram_secret("a", salt, 16), scram_secret("b", salt, 16));
}

}  // namespace
}  // namespace understudy::postgresql
