// SPDX-License-Identifier: Apache-2.0
// The SCRAM exchange: bytes of a client that may be anyone. Nobody is let in without the proof, and what is
// refused has a code and a message.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/database/core/scram.hpp"

using namespace understudy::database;

namespace {

// Keyed and simple: that it can be computed backwards doesn't help random bytes.
std::string mixed(std::string_view key, std::string_view text) {
    std::string out(32, '\0');
    std::uint64_t state = 1469598103934665603ULL;
    for (const std::string_view part : {key, text})
        for (const char c : part) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    for (auto& byte : out) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        byte = static_cast<char>(state >> 56);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto newline = input.find('\n');
    const std::string_view first = input.substr(0, newline);
    const std::string_view last =
        newline == std::string_view::npos ? std::string_view() : input.substr(newline + 1);
    Crypto crypto;
    crypto.hmac_sha256 = mixed;
    crypto.sha256 = [](std::string_view text) { return mixed("sha", text); };
    crypto.pbkdf2_sha256 = [](std::string_view password, std::string_view salt, int) {
        return mixed(password, salt);
    };
    for (const bool genuine : {true, false}) {
        const bool plus = first.starts_with("p=");
        ScramServer server(crypto, make_verifier(crypto, "secret", "salt", 1), genuine, "server-nonce",
                           plus ? "hash" : "");
        const auto reply = server.handle_client_first(first, plus);
        if (reply.has_error()) {
            if (reply.error().sqlstate.size() != 5 || reply.error().message.empty()) std::abort();
            continue;
        }
        if (reply->find("server-nonce") == std::string::npos) std::abort();
        if (server.handle_client_final(last).has_value()) std::abort();
    }
    return 0;
}
