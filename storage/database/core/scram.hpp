// SPDX-License-Identifier: Apache-2.0
// The server's side of SCRAM-SHA-256 and, over TLS, SCRAM-SHA-256-PLUS with the channel binding
// tls-server-end-point (RFC 5802, RFC 7677, RFC 5929) as PostgreSQL uses it: the user's name is that of the
// startup message. Pure: the cryptographic primitives and the server's nonce are handed
// in. An unknown user goes through the same exchange with a made-up verifier and fails at its end, so that
// what the server says doesn't tell which users exist.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

struct Crypto {
    std::function<std::string(std::string_view data)> sha256;
    std::function<std::string(std::string_view key, std::string_view data)> hmac_sha256;
    std::function<std::string(std::string_view password, std::string_view salt, int iterations)>
        pbkdf2_sha256;
};

// What the server keeps of a password (RFC 5802, section 3).
struct ScramVerifier {
    std::string salt;
    int iterations = 4096;
    std::string stored_key;
    std::string server_key;
};

constexpr const char* scram_mechanism = "SCRAM-SHA-256";
constexpr const char* scram_plus_mechanism = "SCRAM-SHA-256-PLUS";

ScramVerifier make_verifier(const Crypto& crypto, std::string_view password, std::string salt,
                            int iterations);

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

class ScramServer {
  public:
    // `genuine` is false for the made-up verifier of an unknown user. `server_nonce` is printable and without
    // commas. `binding` is the hash of the server's certificate; empty where SCRAM-SHA-256-PLUS isn't
    // offered.
    ScramServer(Crypto crypto, ScramVerifier verifier, bool genuine, std::string server_nonce,
                std::string binding = {});

    // The server-first message. `plus`: the client has chosen SCRAM-SHA-256-PLUS.
    SqlResult<std::string> handle_client_first(std::string_view message, bool plus = false);
    SqlResult<std::string> handle_client_final(
        std::string_view message);  // the server-final message: logged in

  private:
    struct AwaitsFirst {};
    struct AwaitsFinal {
        std::string channel;  // what the client has to repeat: its header, and what it binds
        std::string client_first_bare;
        std::string server_first;
        std::string nonce;
    };
    struct Ended {};
    Crypto crypto_;
    ScramVerifier verifier_;
    bool genuine_;
    std::string server_nonce_;
    std::string binding_;
    std::variant<AwaitsFirst, AwaitsFinal, Ended> state_ = AwaitsFirst{};
};

}  // namespace understudy::database
