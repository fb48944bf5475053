// SPDX-License-Identifier: Apache-2.0
// One client's conversation, as a pure machine: which message may come now, what is answered, and what the
// engine is asked to do.
//
//   startup --StartupMessage--> sasl first --> sasl final --> ready <--> skipping (until Sync)
//     |  \--CancelRequest--> ended        (any FATAL error, Terminate, login limit) --> ended
//     \--SSLRequest--> startup            'N', or 'S' and the driver's handshake (StartTls)
//
// The driver feeds handle(); carries the actions out in order; after each engine action (EngineAction) it
// reports engine_done() with the engine's error, if any, and its transaction status, before it asks for more;
// after StartTls it ends the session by itself where the handshake fails: there is nobody to tell.
// Rules: PostgreSQL manual 55.2. After an error in the extended protocol everything up to Sync is ignored; a
// simple Query is answered by ReadyForQuery in any case. While rows of COPY are awaited, every message
// belongs to it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "storage/database/core/backend.hpp"
#include "storage/database/core/frontend.hpp"
#include "storage/database/core/notifications.hpp"
#include "storage/database/core/scram.hpp"

namespace understudy::database {

struct SessionSettings {
    std::map<std::string, ScramVerifier> users;
    ScramVerifier stranger;  // the made-up verifier for unknown users
    Crypto crypto;
    std::string server_nonce;
    std::string database;  // the only one that exists; empty: any name is taken
    std::int32_t process_id = 0;
    std::int32_t secret = 0;
    Duration login_limit = 10s;
    bool tls = false;         // a certificate is configured
    std::string tls_binding;  // its hash (RFC 5929, tls-server-end-point); empty: it has none
    bool full = false;      // max_connections are in use: refuse with 53300 once the startup message is read
    bool refusing = false;  // every new connection: 57P03 then
};

struct Send {
    std::string bytes;
};
struct StartTls {};  // what was sent before it goes out first
struct CancelOther {
    std::int32_t process_id = 0;
    std::int32_t secret = 0;
};
struct LoggedIn {
    std::string user;
    std::string database;
};
struct Refused {
    std::string reason;
};
using EngineAction =
    std::variant<Query, Parse, Bind, Describe, Close, Execute, Sync, CopyData, CopyDone, CopyFail>;
struct End {};
using SessionAction = std::variant<Send, StartTls, CancelOther, LoggedIn, Refused, EngineAction, End>;

class Session {
  public:
    Session(SessionSettings settings, Instant now);

    void handle(FrontendMessage message, Instant now);
    void handle_error(
        const SqlError& error);  // from the decoder, or the driver's own (shutdown, a limit): ends it
    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    // copying: the engine awaits rows from the client (COPY FROM STDIN), and the statement goes on with them.
    void engine_done(const std::optional<SqlError>& error, char transaction_status, bool copying = false);
    std::vector<SessionAction> take_actions();
    // They are said before ReadyForQuery, and only between transactions.
    void notify(std::vector<Notification> notifications);
    bool between_transactions() const { return ready() && std::get<Ready>(state_).idle; }
    bool ended() const { return std::holds_alternative<Ended>(state_); }
    bool ready() const { return std::holds_alternative<Ready>(state_); }

  private:
    struct Startup {};
    struct SaslFirst {
        ScramServer scram;
    };
    struct SaslFinal {
        ScramServer scram;
    };
    enum class Waiting { nothing, query, sync, extended };
    struct Ready {
        bool skipping = false;
        Waiting waiting = Waiting::nothing;
        Waiting copying = Waiting::nothing;  // what COPY's rows belong to
        bool idle = false;                   // nothing came since ReadyForQuery outside of a block
    };
    struct Ended {};

    void handle_startup(const FrontendMessage& message);
    void start(const StartupMessage& startup);
    void handle_sasl_first(const AuthenticationData& data);
    void handle_sasl_final(const AuthenticationData& data);
    void handle_ready(FrontendMessage message);
    void handle_copying(FrontendMessage message);
    void log_in();
    void ready_for_query();
    void write_notifications();
    void flush();
    void end();

    SessionSettings settings_;
    Instant login_deadline_;
    std::string user_;
    std::string database_;
    std::string application_name_;
    bool encrypted_ = false;
    char transaction_status_ = 'I';
    BackendWriter out_;
    std::vector<Notification> notifications_;
    std::vector<SessionAction> actions_;
    std::variant<Startup, SaslFirst, SaslFinal, Ready, Ended> state_ = Startup{};
};

}  // namespace understudy::database
