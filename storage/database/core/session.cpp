// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/session.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"

namespace understudy::database {
namespace {

SqlError out_of_turn(const char* when) {
    return {sqlstate::protocol_violation, fmt::format("unexpected message {}", when), {}, true};
}

}  // namespace

Session::Session(SessionSettings settings, Instant now)
    : settings_(std::move(settings)), login_deadline_(now + settings_.login_limit) {}

std::optional<Deadline> Session::next_deadline() const {
    if (ready() || ended()) return std::nullopt;
    return Deadline{login_deadline_, "login limit"};
}

void Session::on_timeout(Instant now) {
    if (ready() || ended() || now < login_deadline_) return;
    actions_.push_back(Refused{"login not finished within the limit"});
    end();
}

std::vector<SessionAction> Session::take_actions() {
    if (ready() && std::get<Ready>(state_).waiting == Waiting::nothing) flush();
    return std::exchange(actions_, {});
}

void Session::handle(FrontendMessage message, Instant) {
    if (ended()) return;
    if (std::holds_alternative<Terminate>(message)) return end();
    if (std::holds_alternative<Startup>(state_)) return handle_startup(message);
    if (ready()) return handle_ready(std::move(message));
    const auto* data = std::get_if<AuthenticationData>(&message);
    if (data == nullptr) return handle_error(out_of_turn("during login"));
    if (std::holds_alternative<SaslFirst>(state_)) return handle_sasl_first(*data);
    handle_sasl_final(*data);
}

void Session::handle_error(const SqlError& error) {
    if (ended()) return;
    if (!ready()) actions_.push_back(Refused{error.message});
    SqlError last = error;
    last.fatal = true;
    out_.error(last);
    flush();
    end();
}

void Session::handle_startup(const FrontendMessage& message) {
    if (std::holds_alternative<SslRequest>(message) && settings_.tls && !encrypted_) {
        encrypted_ = true;
        out_.ssl_accepted();
        flush();
        actions_.push_back(StartTls{});
        return;
    }
    const bool asks_encryption =
        std::holds_alternative<SslRequest>(message) || std::holds_alternative<GssEncryptionRequest>(message);
    if (asks_encryption && encrypted_) return handle_error(out_of_turn("after the TLS handshake"));
    if (asks_encryption) {
        out_.ssl_refused();
        return flush();
    }
    if (const auto* cancel = std::get_if<CancelRequest>(&message)) {
        actions_.push_back(CancelOther{cancel->process_id, cancel->secret});
        return end();  // a cancel request is never answered
    }
    const auto* startup = std::get_if<StartupMessage>(&message);
    if (startup == nullptr) return handle_error(out_of_turn("before the startup message"));
    start(*startup);
}

void Session::start(const StartupMessage& startup) {
    const auto parameter = [&](const char* name) {
        const auto found = startup.parameters.find(name);
        return found == startup.parameters.end() ? std::string() : found->second;
    };
    user_ = parameter("user");
    database_ = parameter("database");
    if (user_.empty())
        return handle_error({"28000", "no PostgreSQL user name specified in startup packet", {}, true});
    if (database_.empty()) database_ = user_;
    application_name_ = parameter("application_name");
    // What PostgreSQL says while it starts, recovers or stops: clients that try again look for this code.
    if (settings_.refusing)
        return handle_error(
            {sqlstate::cannot_connect_now, "the database system is not accepting connections", {}, true});
    if (settings_.full)
        return handle_error({sqlstate::too_many_connections, "sorry, too many clients already", {}, true});
    if (!parameter("replication").empty() && parameter("replication") != "false")
        return handle_error(
            {sqlstate::feature_not_supported, "replication connections are not supported", {}, true});
    const std::string encoding = parameter("client_encoding");
    if (!encoding.empty() && encoding != "UTF8" && encoding != "utf8" && encoding != "UTF-8" &&
        encoding != "utf-8" && encoding != "SQL_ASCII" && encoding != "'utf-8'")
        return handle_error({sqlstate::feature_not_supported,
                             fmt::format("client_encoding \"{}\" is not supported", encoding), "use UTF8",
                             true});
    std::vector<std::string> unknown_options;
    for (const auto& [name, value] : startup.parameters)
        if (name.starts_with("_pq_.")) unknown_options.push_back(name);
    if (startup.minor_version > 0 || !unknown_options.empty())
        out_.negotiate_protocol_version(unknown_options);
    const auto known = settings_.users.find(user_);
    const bool genuine = known != settings_.users.end();
    std::string binding = encrypted_ ? settings_.tls_binding : std::string();
    std::vector<std::string> mechanisms;
    if (!binding.empty()) mechanisms.emplace_back(scram_plus_mechanism);
    mechanisms.emplace_back(scram_mechanism);
    state_ = SaslFirst{ScramServer(settings_.crypto, genuine ? known->second : settings_.stranger, genuine,
                                   settings_.server_nonce, std::move(binding))};
    out_.authentication_sasl(mechanisms);
    flush();
}

void Session::handle_sasl_first(const AuthenticationData& data) {
    // SASLInitialResponse: mechanism, zero byte, length, the client-first message.
    const auto zero = data.body.find('\0');
    if (zero == std::string::npos || data.body.size() < zero + 5)
        return handle_error({sqlstate::protocol_violation, "malformed SASLInitialResponse", {}, true});
    const std::string mechanism = data.body.substr(0, zero);
    const bool plus = mechanism == scram_plus_mechanism;
    const bool offered = plus ? encrypted_ && !settings_.tls_binding.empty() : mechanism == scram_mechanism;
    if (!offered)
        return handle_error({sqlstate::protocol_violation,
                             fmt::format("SASL mechanism \"{}\" was not offered", mechanism),
                             {},
                             true});
    std::uint32_t length = 0;
    for (std::size_t i = 1; i <= 4; ++i)
        length = length << 8 | static_cast<unsigned char>(data.body[zero + i]);
    if (length != data.body.size() - zero - 5)
        return handle_error(
            {sqlstate::protocol_violation, "SASLInitialResponse has a wrong length", {}, true});
    ScramServer scram = std::move(std::get<SaslFirst>(state_).scram);
    auto reply = scram.handle_client_first(std::string_view(data.body).substr(zero + 5), plus);
    if (reply.has_error()) return handle_error(reply.error());
    out_.authentication_sasl_continue(*reply);
    state_ = SaslFinal{std::move(scram)};
    flush();
}

void Session::handle_sasl_final(const AuthenticationData& data) {
    auto reply = std::get<SaslFinal>(state_).scram.handle_client_final(data.body);
    if (reply.has_error()) {
        SqlError error = reply.error();
        if (error.sqlstate == sqlstate::bad_password)
            error.message = fmt::format("password authentication failed for user \"{}\"", user_);
        return handle_error(error);
    }
    // Only who has logged in learns whether the database exists.
    if (!settings_.database.empty() && database_ != settings_.database)
        return handle_error(
            {sqlstate::bad_catalog_name, fmt::format("database \"{}\" does not exist", database_), {}, true});
    out_.authentication_sasl_final(*reply);
    log_in();
}

void Session::log_in() {
    out_.authentication_ok();
    const std::pair<const char*, std::string> statuses[] = {{"application_name", application_name_},
                                                            {"client_encoding", "UTF8"},
                                                            {"DateStyle", "ISO, MDY"},
                                                            {"default_transaction_read_only", "off"},
                                                            {"in_hot_standby", "off"},
                                                            {"integer_datetimes", "on"},
                                                            {"IntervalStyle", "postgres"},
                                                            {"is_superuser", "off"},
                                                            {"server_encoding", "UTF8"},
                                                            {"server_version", "15.0 (understudy)"},
                                                            {"session_authorization", user_},
                                                            {"standard_conforming_strings", "on"},
                                                            {"TimeZone", "UTC"}};
    for (const auto& [name, value] : statuses) out_.parameter_status(name, value);
    out_.backend_key_data(settings_.process_id, settings_.secret);
    out_.ready_for_query('I');
    actions_.push_back(LoggedIn{user_, database_});
    flush();
    state_ = Ready{};
    std::get<Ready>(state_).idle = true;
}

void Session::notify(std::vector<Notification> notifications) {
    for (auto& notification : notifications) notifications_.push_back(std::move(notification));
    if (between_transactions()) write_notifications();
}

void Session::write_notifications() {
    for (const auto& notification : std::exchange(notifications_, {}))
        out_.notification(notification.process_id, notification.channel, notification.payload);
}

void Session::ready_for_query() {
    std::get<Ready>(state_).idle = transaction_status_ == 'I';
    if (transaction_status_ == 'I') write_notifications();
    out_.ready_for_query(transaction_status_);
}

void Session::handle_ready(FrontendMessage message) {
    auto& ready = std::get<Ready>(state_);
    UNDERSTUDY_ASSERT(ready.waiting == Waiting::nothing,
                      "one message at a time: the engine's answer is awaited first");
    if (ready.copying != Waiting::nothing) return handle_copying(std::move(message));
    if (std::holds_alternative<Sync>(message)) {
        ready = Ready{false, Waiting::sync};
        actions_.push_back(EngineAction(Sync{}));
        return;
    }
    // What a client still sends of a COPY that failed.
    if (std::holds_alternative<CopyData>(message) || std::holds_alternative<CopyDone>(message) ||
        std::holds_alternative<CopyFail>(message))
        return;
    if (ready.skipping || std::holds_alternative<Flush>(message)) return;  // every answer is flushed already
    if (std::holds_alternative<FunctionCall>(message)) {
        out_.error(
            {sqlstate::feature_not_supported, "the function call protocol is not supported", {}, false});
        ready_for_query();
        return flush();
    }
    ready.idle = false;
    if (auto* query = std::get_if<Query>(&message)) {
        ready.waiting = Waiting::query;
        actions_.push_back(EngineAction(std::move(*query)));
        return;
    }
    const bool extended = std::visit(
        [&](auto& item) {
            using Item = std::decay_t<decltype(item)>;
            if constexpr (std::is_same_v<Item, Parse> || std::is_same_v<Item, Bind> ||
                          std::is_same_v<Item, Describe> || std::is_same_v<Item, Close> ||
                          std::is_same_v<Item, Execute>) {
                ready.waiting = Waiting::extended;
                actions_.push_back(EngineAction(std::move(item)));
                return true;
            } else {
                return false;
            }
        },
        message);
    if (!extended) handle_error(out_of_turn("after login"));
}

void Session::handle_copying(FrontendMessage message) {
    auto& ready = std::get<Ready>(state_);
    if (std::holds_alternative<Flush>(message) || std::holds_alternative<Sync>(message)) return;
    ready.waiting = ready.copying;
    if (auto* data = std::get_if<CopyData>(&message))
        actions_.push_back(EngineAction(std::move(*data)));
    else if (std::holds_alternative<CopyDone>(message))
        actions_.push_back(EngineAction(CopyDone{}));
    else if (auto* fail = std::get_if<CopyFail>(&message))
        actions_.push_back(EngineAction(std::move(*fail)));
    else
        actions_.push_back(EngineAction(CopyFail{"unexpected message during COPY"}));
}

void Session::engine_done(const std::optional<SqlError>& error, char transaction_status, bool copying) {
    if (ended()) return;
    auto& ready = std::get<Ready>(state_);
    UNDERSTUDY_ASSERT(ready.waiting != Waiting::nothing, "the engine was asked for something");
    if (error && error->fatal) return handle_error(*error);
    transaction_status_ = transaction_status;
    const Waiting waited = std::exchange(ready.waiting, Waiting::nothing);
    ready.copying = copying && !error ? waited : Waiting::nothing;
    if (ready.copying != Waiting::nothing) return;
    if (error) out_.error(*error);
    if (waited == Waiting::extended)
        ready.skipping = ready.skipping || error.has_value();
    else
        ready_for_query();
}

void Session::flush() {
    if (out_.size() > 0) actions_.push_back(Send{out_.take()});
}

void Session::end() {
    state_ = Ended{};
    actions_.push_back(End{});
}

}  // namespace understudy::database
