// SPDX-License-Identifier: Apache-2.0
// Golden traces of the session machine, one file for each rule (golden_traces.hpp). User "ann" has the
// password "pencil", everybody else is a stranger.
//   session [tls] [binding=HASH] [full] [database=NAME] [ready]    ready: ann has logged in
//   at 0s ssl | gss | cancel PROCESS SECRET | startup [KEY=VALUE]... | terminate
//   at 0s sasl first [plus] [flag=n|y|p] [mechanism=NAME] | sasl final [PASSWORD] | sasl raw TEXT
//   at 0s query SQL | parse NAME SQL | bind PORTAL STATEMENT | describe NAME | execute PORTAL | close NAME
//   at 0s sync | flush | call | copy data BYTES | copy done | copy fail REASON
//   at 0s done [STATUS] [copying] [error=SQLSTATE] [fatal]      the engine's answer
//   at 0s error SQLSTATE                                        of the decoder, or the driver's own
//   until 10s
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/assert.hpp"
#include "storage/database/core/bytes.hpp"
#include "storage/database/core/session.hpp"
#include "storage/database/crypto.hpp"
#include "tests/support/golden_traces.hpp"
#include "tests/support/timed_trace.hpp"

namespace understudy::database {
namespace {

std::string until_zero(std::string_view& bytes) {
    std::string text(bytes.substr(0, bytes.find('\0')));
    bytes.remove_prefix(std::min(bytes.size(), text.size() + 1));
    return text;
}

// One message of the server's, in words.
std::string words(char type, std::string_view body) {
    switch (type) {
        case 'R': {
            const auto code = from_big_endian(body.substr(0, 4));
            body.remove_prefix(4);
            if (code == 0) return "authentication ok";
            if (code == 11) return fmt::format("sasl continue {}", body);
            if (code == 12) return "sasl final";
            std::string mechanisms;
            while (!body.empty()) mechanisms += " " + until_zero(body);
            while (mechanisms.ends_with(' ')) mechanisms.pop_back();
            return "sasl" + mechanisms;
        }
        case 'S': {
            const std::string name = until_zero(body);
            return fmt::format("parameter {}={}", name, until_zero(body));
        }
        case 'K':
            return fmt::format("key of process {}", from_big_endian(body.substr(0, 4)));
        case 'Z':
            return fmt::format("ready {}", body);
        case 'v':
            return "negotiate protocol version";
        case 'E': {
            std::string severity, state, message;
            while (!body.empty() && body[0] != '\0') {
                const char field = body[0];
                body.remove_prefix(1);
                const std::string value = until_zero(body);
                if (field == 'S') severity = value;
                if (field == 'C') state = value;
                if (field == 'M') message = value;
            }
            return fmt::format("{} {} {}", severity, state, message);
        }
        case 'A': {
            const auto sender = from_big_endian(body.substr(0, 4));
            body.remove_prefix(4);
            const std::string channel = until_zero(body);
            return fmt::format("notification {} {} from {}", channel, until_zero(body), sender);
        }
        default:
            return fmt::format("message {}", type);
    }
}

std::vector<std::string> words(const Send& send) {
    if (send.bytes.size() == 1) return {"send the byte " + send.bytes};
    std::vector<std::string> all;
    std::string_view rest = send.bytes;
    while (rest.size() >= 5) {
        const auto length = static_cast<std::size_t>(from_big_endian(rest.substr(1, 4)));
        std::string text = words(rest[0], rest.substr(5, length - 4));
        rest.remove_prefix(length + 1);
        // Those that are always the same.
        if (!text.starts_with("parameter ") || text.starts_with("parameter application_name") ||
            text.starts_with("parameter session_authorization"))
            all.push_back("send " + text);
    }
    return all;
}

std::string words(const EngineAction& action) {
    return std::visit(
        [](const auto& item) -> std::string {
            using Item = std::decay_t<decltype(item)>;
            if constexpr (std::is_same_v<Item, Query>) return "query " + item.sql;
            if constexpr (std::is_same_v<Item, Parse>)
                return fmt::format("parse {} {}", item.statement, item.sql);
            if constexpr (std::is_same_v<Item, Bind>)
                return fmt::format("bind {} {}", item.portal, item.statement);
            if constexpr (std::is_same_v<Item, Describe>) return "describe " + item.name;
            if constexpr (std::is_same_v<Item, Execute>) return "execute " + item.portal;
            if constexpr (std::is_same_v<Item, Close>) return "close " + item.name;
            if constexpr (std::is_same_v<Item, CopyData>) return "copy data " + item.bytes;
            if constexpr (std::is_same_v<Item, CopyFail>) return "copy fail " + item.reason;
            if constexpr (std::is_same_v<Item, CopyDone>) return "copy done";
            if constexpr (std::is_same_v<Item, Sync>) return "sync";
        },
        action);
}

class SessionRun {
  public:
    std::string run(const std::string& text) {
        test::replay_trace(text, out_, [this](const std::string& line) { command(line); });
        return out_;
    }

  private:
    void command(const std::string& line) {
        std::istringstream in(line);
        std::string keyword, verb;
        in >> keyword;
        if (keyword == "session") return make(in);
        if (!test::advance(*session_, keyword, in, now_, [this](Instant) { show(); })) return;
        in >> verb;
        if (verb == "done")
            done(in);
        else if (verb == "notify")
            notify(in);
        else if (verb == "error")
            session_->handle_error({rest(in), "an error of the driver's"});
        else
            session_->handle(message(verb, in), now_);
        show();
    }

    void make(std::istringstream& in) {
        const Crypto crypto = openssl_crypto();
        SessionSettings settings;
        settings.users["ann"] = make_verifier(crypto, "pencil", "salt", 16);
        settings.stranger = make_verifier(crypto, "nobody's", "salt", 16);
        settings.crypto = crypto;
        settings.server_nonce = "server";
        settings.process_id = 7;
        bool ready = false;
        for (std::string word; in >> word;) {
            ready = ready || word == "ready";
            if (word == "tls") settings.tls = true;
            if (word == "full") settings.full = true;
            if (word.starts_with("binding=")) settings.tls_binding = binding_ = word.substr(8);
            if (word.starts_with("database=")) settings.database = word.substr(9);
        }
        session_.emplace(std::move(settings), Instant{});
        if (!ready) return;
        std::istringstream nothing;
        session_->handle(StartupMessage{0, {{"user", "ann"}}}, Instant{});
        session_->handle(sasl("first", nothing), Instant{});
        session_->handle(sasl("final", nothing), Instant{});
        session_->take_actions();
    }

    void done(std::istringstream& in) {
        char status = 'I';
        bool copying = false, fatal = false;
        std::optional<SqlError> error;
        for (std::string word; in >> word;) {
            if (word.size() == 1) status = word[0];
            copying = copying || word == "copying";
            fatal = fatal || word == "fatal";
            if (word.starts_with("error=")) error = SqlError{word.substr(6), "the engine's error"};
        }
        if (error) error->fatal = fatal;
        session_->engine_done(error, status, copying);
    }

    void notify(std::istringstream& in) {
        Notification notification{9, {}, {}};
        in >> notification.channel >> notification.payload;
        session_->notify({notification});
    }

    static std::string rest(std::istringstream& in) {
        std::string text;
        std::getline(in >> std::ws, text);
        return text;
    }

    FrontendMessage message(const std::string& verb, std::istringstream& in) {
        const auto word = [&] {
            std::string text;
            in >> text;
            return text;
        };
        if (verb == "ssl") return SslRequest{};
        if (verb == "gss") return GssEncryptionRequest{};
        if (verb == "terminate") return Terminate{};
        if (verb == "sync") return Sync{};
        if (verb == "flush") return Flush{};
        if (verb == "call") return FunctionCall{};
        if (verb == "query") return Query{rest(in)};
        if (verb == "describe") return Describe{Target::statement, word()};
        if (verb == "close") return Close{Target::statement, word()};
        if (verb == "execute") return Execute{word(), 0};
        if (verb == "cancel") {
            CancelRequest cancel;
            in >> cancel.process_id >> cancel.secret;
            return cancel;
        }
        if (verb == "parse") {
            const std::string name = word();
            return Parse{name, rest(in), {}};
        }
        if (verb == "bind") {
            const std::string portal = word();
            return Bind{portal, word(), {}, {}, {}};
        }
        if (verb == "copy") {
            const std::string what = word();
            if (what == "data") return CopyData{rest(in)};
            if (what == "done") return CopyDone{};
            return CopyFail{rest(in)};
        }
        if (verb == "startup") {
            StartupMessage startup;
            for (std::string text = word(); !text.empty(); text = in ? word() : std::string())
                startup.parameters[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
            return startup;
        }
        UNDERSTUDY_ASSERT(verb == "sasl", verb.c_str());
        return sasl(word(), in);
    }

    // A client's part of SCRAM.
    FrontendMessage sasl(const std::string& what, std::istringstream& in) {
        if (what == "raw") return AuthenticationData{rest(in)};
        if (what == "first") {
            std::string mechanism = scram_mechanism, flag = "n";
            for (std::string word; in >> word;) {
                if (word == "plus") mechanism = scram_plus_mechanism, flag = "p=tls-server-end-point";
                if (word.starts_with("flag=")) flag = word.substr(5);
                if (word.starts_with("mechanism=")) mechanism = word.substr(10);
            }
            header_ = flag + ",,";
            const std::string first = header_ + bare_;
            return AuthenticationData{mechanism + '\0' + big_endian_bytes(first.size(), 4) + first};
        }
        const std::string given = rest(in), password = given.empty() ? "pencil" : given;
        const Crypto crypto = openssl_crypto();
        const std::string bound = header_.starts_with("p=") ? binding_ : "";
        const std::string last = fmt::format("c={},r=clientserver", to_base64(header_ + bound));
        const std::string key = crypto.hmac_sha256(crypto.pbkdf2_sha256(password, "salt", 16), "Client Key");
        const std::string signature =
            crypto.hmac_sha256(crypto.sha256(key),
                               fmt::format("{},r=clientserver,s={},i=16,{}", bare_, to_base64("salt"), last));
        std::string proof = key;
        for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
        return AuthenticationData{last + ",p=" + to_base64(proof)};
    }

    void say(const std::string& text) {
        out_ += fmt::format("  -> {} {}\n", format_duration(now_.time_since_epoch()), text);
    }
    void show() {
        for (const SessionAction& action : session_->take_actions()) {
            if (const auto* send = std::get_if<Send>(&action))
                for (const auto& text : words(*send)) say(text);
            if (std::holds_alternative<StartTls>(action)) say("start TLS");
            if (const auto* cancel = std::get_if<CancelOther>(&action))
                say(fmt::format("cancel process {} by secret {}", cancel->process_id, cancel->secret));
            if (const auto* login = std::get_if<LoggedIn>(&action))
                say(fmt::format("{} logged in to {}", login->user, login->database));
            if (const auto* refused = std::get_if<Refused>(&action)) say("refused: " + refused->reason);
            if (const auto* request = std::get_if<EngineAction>(&action)) say("engine: " + words(*request));
            if (std::holds_alternative<End>(action)) say("end");
        }
    }

    std::optional<Session> session_;
    std::string binding_, header_;
    const std::string bare_ = "n=,r=client";
    Instant now_{};
    std::string out_;
};

TEST(SessionTraces, answers_every_golden_trace_as_written) {
    test::check_golden_traces("tests/unit/storage/database/session_traces", 14,
                              [](const std::string& text) { return SessionRun().run(text); });
}

}  // namespace
}  // namespace understudy::database
