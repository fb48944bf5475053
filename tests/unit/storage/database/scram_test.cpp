// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/scram.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/database/crypto.hpp"

namespace understudy::database {
namespace {

// The exchange of RFC 7677, section 3.
ScramServer rfc_7677_server(bool genuine) {
    const Crypto crypto = openssl_crypto();
    return {crypto, make_verifier(crypto, "pencil", *from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096), genuine,
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"};
}
constexpr const char* client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr const char* client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
    "Ute9ytag9zjfMHgsqmmiz7AndVQ=";

TEST(Scram, the_exchange_of_rfc_7677_succeeds_byte_by_byte) {
    auto server = rfc_7677_server(true);
    EXPECT_EQ(*server.handle_client_first(client_first),
              "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    EXPECT_EQ(*server.handle_client_final(client_final), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, a_right_proof_of_an_unknown_user_and_a_wrong_proof_fail_alike) {
    auto stranger = rfc_7677_server(false);
    ASSERT_TRUE(stranger.handle_client_first(client_first).has_value());
    const auto first = stranger.handle_client_final(client_final);
    auto server = rfc_7677_server(true);
    ASSERT_TRUE(server.handle_client_first(client_first).has_value());
    std::string wrong = client_final;
    wrong[wrong.size() - 5] = 'A';
    const auto second = server.handle_client_final(wrong);
    EXPECT_EQ(first.error().sqlstate, "28P01");
    EXPECT_EQ(first.error(), second.error());
}

// A client's part: the final message for the channel data that it says it is bound to.
SqlResult<std::string> log_in_with(ScramServer& server, const std::string& header, const std::string& bound) {
    const Crypto crypto = openssl_crypto();
    const std::string bare = "n=,r=abc";
    const auto first = server.handle_client_first(header + bare, header.starts_with("p="));
    if (first.has_error()) return first.error();
    const std::string nonce = first->substr(2, first->find(',') - 2);
    const std::string final = fmt::format("c={},r={}", to_base64(header + bound), nonce);
    const std::string signed_text = bare + "," + *first + "," + final;
    const std::string client_key =
        crypto.hmac_sha256(crypto.pbkdf2_sha256("pencil", "salt", 16), "Client Key");
    std::string proof = crypto.hmac_sha256(crypto.sha256(client_key), signed_text);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
    return server.handle_client_final(final + ",p=" + to_base64(proof));
}

ScramServer binding_server(const std::string& binding) {
    const Crypto crypto = openssl_crypto();
    return {crypto, make_verifier(crypto, "pencil", "salt", 16), true, "xyz", binding};
}

TEST(Scram, a_password_is_bound_to_the_certificate_that_the_client_saw) {
    const std::string header = "p=tls-server-end-point,,";
    auto server = binding_server("hash");
    EXPECT_TRUE(log_in_with(server, header, "hash").has_value());
    auto between = binding_server("hash");
    EXPECT_EQ(log_in_with(between, header, "another").error().message,
              "malformed SCRAM message: channel binding data differ");
    auto other = binding_server("hash");
    EXPECT_TRUE(log_in_with(other, "p=tls-unique,,", "hash").has_error());
}

TEST(Scram, a_client_that_could_bind_finds_out_that_the_offer_was_taken_away) {
    auto offered = binding_server("hash");
    EXPECT_EQ(log_in_with(offered, "y,,", "").error().sqlstate, "28000");
    auto not_offered = binding_server("");
    EXPECT_TRUE(log_in_with(not_offered, "y,,", "").has_value());
    auto unable = binding_server("hash");
    EXPECT_TRUE(log_in_with(unable, "n,,", "").has_value());
}

TEST(Scram, mechanism_and_channel_binding_flag_have_to_agree) {
    EXPECT_TRUE(binding_server("hash").handle_client_first("n,,n=,r=abc", true).has_error());
    EXPECT_TRUE(
        binding_server("hash").handle_client_first("p=tls-server-end-point,,n=,r=abc", false).has_error());
    EXPECT_TRUE(
        binding_server("hash").handle_client_first("p=tls-server-end-point,a=x,n=,r=abc", true).has_error());
    EXPECT_TRUE(binding_server("hash").handle_client_first("p", true).has_error());
}

}  // namespace
}  // namespace understudy::database
