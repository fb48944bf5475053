// SPDX-License-Identifier: Apache-2.0
// A client's bytes before and after login: the decoder and the session machine behind it. However the bytes
// are split, the same messages come out; a stream that can't be understood ends with a fatal error for the
// client to read; the machine asks the engine for one thing at a time and never goes on after its end.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/database/core/copy_text.hpp"
#include "storage/database/core/session.hpp"

using namespace understudy::database;
using namespace std::chrono_literals;

namespace {

std::string fixed(std::string_view, std::string_view) {
    return std::string(32, 'x');
}

// Stands for OpenSSL, which takes too long here: no rule of the machine depends on what it computes.
Crypto weak_crypto() {
    Crypto crypto;
    crypto.hmac_sha256 = fixed;
    crypto.sha256 = [](std::string_view) { return std::string(32, 'y'); };
    crypto.pbkdf2_sha256 = [](std::string_view, std::string_view, int) { return std::string(32, 'z'); };
    return crypto;
}

void expect(bool condition) {
    if (!condition) std::abort();
}

// False: there were bytes behind an encryption request, which is an error only where they came with it.
bool drive(std::string_view input, std::size_t piece, std::string& sent) {
    const Crypto crypto = weak_crypto();
    SessionSettings settings;
    settings.crypto = crypto;
    settings.users["a"] = make_verifier(crypto, "secret", "salt", 1);
    settings.stranger = make_verifier(crypto, "none", "salt", 1);
    settings.server_nonce = "nonce";
    settings.tls = input.size() % 2 == 0;
    settings.tls_binding = input.size() % 4 == 0 ? "hash" : "";
    Session session(settings, understudy::Instant{});
    FrontendDecoder decoder;
    const auto carry_out = [&] {
        for (auto actions = session.take_actions(); !actions.empty(); actions = session.take_actions())
            for (auto& action : actions) {
                if (const auto* send = std::get_if<Send>(&action)) sent += send->bytes;
                if (std::holds_alternative<LoggedIn>(action)) decoder.login_done();
                if (const auto* request = std::get_if<EngineAction>(&action)) {
                    // An engine that fails every third time, and awaits rows after "copy".
                    const auto* query = std::get_if<Query>(request);
                    const bool copying = query != nullptr && query->sql.starts_with("copy");
                    const bool fails = query != nullptr && query->sql.size() % 3 == 1;
                    session.engine_done(
                        fails ? std::optional<SqlError>(SqlError{"XX000", "no"}) : std::nullopt, 'I',
                        copying);
                }
            }
    };
    for (std::size_t at = 0; at < input.size() && !session.ended(); at += piece) {
        decoder.append(input.substr(at, piece));
        while (!session.ended()) {
            auto message = decoder.next();
            if (message.has_error()) {
                expect(message.error().fatal && !message.error().message.empty());
                if (message.error().message.find("unencrypted data") != std::string::npos) return false;
                session.handle_error(message.error());
            } else if (*message) {
                session.handle(std::move(**message), understudy::Instant{});
            } else {
                break;
            }
            carry_out();
        }
    }
    carry_out();
    expect(session.take_actions().empty());
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    std::string whole, pieces;
    const bool obeys = drive(input, size + 1, whole);
    if (drive(input, 7, pieces) && obeys) expect(whole == pieces);
    if (size > 1) {
        // Rows of COPY: split or not, the same.
        const CopyFormat format = data[0] % 2 == 0 ? CopyFormat{} : CopyFormat{true, ',', "", '"', '"'};
        const auto rows_of = [&](std::size_t piece) {
            CopyReader reader(format);
            std::vector<CopyRow> rows;
            const std::string_view lines = input.substr(1);
            for (std::size_t at = 0;; at += piece) {
                const bool last = at >= lines.size();
                if ((last ? reader.finish() : reader.append(lines.substr(at, piece))).has_error()) break;
                bool failed = false;
                while (true) {
                    auto row = reader.next();
                    failed = row.has_error();
                    if (failed || !*row) break;
                    rows.push_back(std::move(**row));
                }
                if (failed || last) break;
            }
            return rows;
        };
        expect(rows_of(size) == rows_of(3));
    }
    return 0;
}
