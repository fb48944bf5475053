// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/scram.hpp"

#include <fmt/format.h>

#include <array>

namespace understudy::database {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t max_nonce_bytes = 1024;

SqlError malformed(std::string reason) {
    return {sqlstate::protocol_violation, "malformed SCRAM message: " + std::move(reason), {}, true};
}

// "X=value" at the front of `rest` up to the next comma; moves past it.
std::optional<std::string> take_attribute(std::string_view& rest, char name) {
    if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
    const auto comma = rest.find(',');
    std::string value(rest.substr(2, comma == std::string_view::npos ? comma : comma - 2));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return value;
}

std::string exclusive_or(const std::string& a, const std::string& b) {
    std::string result = a;
    for (std::size_t i = 0; i < result.size() && i < b.size(); ++i)
        result[i] = static_cast<char>(result[i] ^ b[i]);
    return result;
}

bool equal_in_constant_time(const std::string& a, const std::string& b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    return difference == 0;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j)
            text += i + j > bytes.size() ? '=' : alphabet[group >> (18 - 6 * j) & 63];
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t padding = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            const char c = text[i + j];
            const auto value = alphabet.find(c);
            if (c == '=' && i + 4 == text.size() && j >= 2)
                ++padding;
            else if (value == std::string_view::npos || padding > 0)
                return std::nullopt;
            group = group << 6 | (c == '=' ? 0u : static_cast<std::uint32_t>(value));
        }
        for (std::size_t j = 0; j < 3 - padding; ++j)
            bytes += static_cast<char>(group >> (16 - 8 * j) & 0xff);
    }
    return bytes;
}

ScramVerifier make_verifier(const Crypto& crypto, std::string_view password, std::string salt,
                            int iterations) {
    const std::string salted = crypto.pbkdf2_sha256(password, salt, iterations);
    return {std::move(salt), iterations, crypto.sha256(crypto.hmac_sha256(salted, "Client Key")),
            crypto.hmac_sha256(salted, "Server Key")};
}

ScramServer::ScramServer(Crypto crypto, ScramVerifier verifier, bool genuine, std::string server_nonce,
                         std::string binding)
    : crypto_(std::move(crypto)),
      verifier_(std::move(verifier)),
      genuine_(genuine),
      server_nonce_(std::move(server_nonce)),
      binding_(std::move(binding)) {}

SqlResult<std::string> ScramServer::handle_client_first(std::string_view message, bool plus) {
    if (!std::holds_alternative<AwaitsFirst>(state_)) return malformed("a second client-first message");
    state_ = Ended{};
    // gs2-header: "p=tls-server-end-point,,", "n,," or "y,,".
    const auto flag_end = message.find(',');
    if (flag_end == std::string_view::npos) return malformed("no channel-binding flag");
    const std::string_view flag = message.substr(0, flag_end);
    const bool binds = flag.starts_with("p=");
    if (!binds && flag != "n" && flag != "y") return malformed("no channel-binding flag");
    if (binds && !plus) return malformed("channel binding was not offered");
    if (binds && flag.substr(2) != "tls-server-end-point")
        return malformed("its channel-binding type is not tls-server-end-point");
    if (!binds && plus) return malformed("SCRAM-SHA-256-PLUS without channel-binding data");
    // It could bind and believes that this server can't: somebody took the offer out.
    if (flag == "y" && !binding_.empty())
        return SqlError{"28000", "SCRAM channel binding negotiation error", {}, true};
    const auto header_end = message.find(',', flag_end + 1);
    if (header_end == std::string_view::npos) return malformed("the header has no end");
    if (header_end != flag_end + 1) return malformed("an authorization identity is not supported");
    AwaitsFinal next;
    next.channel = std::string(message.substr(0, header_end + 1));
    if (binds) next.channel += binding_;
    next.client_first_bare = std::string(message.substr(header_end + 1));
    std::string_view rest = next.client_first_bare;
    if (rest.starts_with("m=")) return malformed("it requires an unknown extension");
    if (!take_attribute(rest, 'n')) return malformed("no user name");
    const auto client_nonce = take_attribute(rest, 'r');
    if (!client_nonce || client_nonce->empty()) return malformed("no nonce");
    if (client_nonce->size() > max_nonce_bytes) return malformed("its nonce is longer than 1024 bytes");
    for (const char c : *client_nonce)
        if (c < 0x21 || c > 0x7e) return malformed("its nonce has unprintable characters");
    next.nonce = *client_nonce + server_nonce_;
    next.server_first =
        fmt::format("r={},s={},i={}", next.nonce, to_base64(verifier_.salt), verifier_.iterations);
    std::string reply = next.server_first;
    state_ = std::move(next);
    return reply;
}

SqlResult<std::string> ScramServer::handle_client_final(std::string_view message) {
    auto* waiting = std::get_if<AwaitsFinal>(&state_);
    if (waiting == nullptr) return malformed("a client-final message out of turn");
    const AwaitsFinal exchange = std::move(*waiting);
    state_ = Ended{};
    const auto proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos) return malformed("no proof");
    const std::string_view without_proof = message.substr(0, proof_at);
    const auto proof = from_base64(message.substr(proof_at + 3));
    std::string_view rest = without_proof;
    if (take_attribute(rest, 'c') != to_base64(exchange.channel))
        return malformed("channel binding data differ");
    if (take_attribute(rest, 'r') != exchange.nonce) return malformed("the nonce differs");
    if (!proof || proof->size() != verifier_.stored_key.size())
        return malformed("the proof has a wrong length");
    const std::string auth_message =
        fmt::format("{},{},{}", exchange.client_first_bare, exchange.server_first, without_proof);
    const std::string signature = crypto_.hmac_sha256(verifier_.stored_key, auth_message);
    const bool proven =
        equal_in_constant_time(crypto_.sha256(exclusive_or(*proof, signature)), verifier_.stored_key);
    if (!proven || !genuine_)
        return SqlError{sqlstate::bad_password, "password authentication failed", {}, true};
    return "v=" + to_base64(crypto_.hmac_sha256(verifier_.server_key, auth_message));
}

}  // namespace understudy::database
