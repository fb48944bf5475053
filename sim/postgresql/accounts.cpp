// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/accounts.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/io/unique_fd.hpp"
#include "sim/node/database.hpp"
#include "sim/postgresql/scram_secret.hpp"

namespace understudy::postgresql {
namespace {

constexpr Duration answer_limit = 2s;  // the server is on this host

// A name of SQL, whatever it holds.
std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

Result<node::Connection> as_superuser(const Config& config, const std::string& database) {
    return node::Connection::open(
        {config.sockets, config.listen.port, database, config.superuser, "", answer_limit});
}

// initdb leaves a database `postgres` that nobody needs here: it is taken rather than another one made,
// which would mean to copy a template of 7 MB.
Result<void> make_database(const Config& config) {
    UNDERSTUDY_TRY(node::Connection connection, as_superuser(config, "template1"));
    UNDERSTUDY_TRY(const auto found,
                   connection.query("SELECT 1 FROM pg_database WHERE datname = $1", {config.database}));
    if (!found.rows.empty()) return {};
    UNDERSTUDY_CHECK(
        connection.query(fmt::format("ALTER DATABASE postgres RENAME TO {}", quoted(config.database))));
    return {};
}

Result<void> make_user(node::Connection& connection, const Config& config, const std::string& user,
                       const std::string& password) {
    UNDERSTUDY_TRY(const auto found, connection.query("SELECT 1 FROM pg_roles WHERE rolname = $1", {user}));
    if (!found.rows.empty()) return {};
    UNDERSTUDY_CHECK(
        connection.query(fmt::format("CREATE ROLE {} LOGIN PASSWORD '{}'", quoted(user),
                                     scram_secret(password, random_salt(), config.scram_iterations))));
    UNDERSTUDY_CHECK(connection.query(fmt::format("CREATE SCHEMA AUTHORIZATION {}", quoted(user))));
    return {};
}

Result<void> connect_to(const Endpoint& endpoint) {
    const io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(endpoint.address.bits);
    address.sin_port = htons(endpoint.port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error(to_string(endpoint), errno, ErrorKind::environment);
    return {};
}

}  // namespace

Result<void> make_accounts(const Config& config) {
    UNDERSTUDY_CHECK(make_database(config));
    UNDERSTUDY_TRY(node::Connection connection, as_superuser(config, config.database));
    return connection.transaction([&]() -> Result<void> {
        for (const auto& [user, password] : config.passwords)
            UNDERSTUDY_CHECK(make_user(connection, config, user, password));
        return {};
    });
}

Result<void> set_read_only(const Config& config, bool read_only) {
    UNDERSTUDY_TRY(node::Connection connection, as_superuser(config, config.database));
    UNDERSTUDY_CHECK(connection.query(
        fmt::format("ALTER SYSTEM SET default_transaction_read_only = {}", read_only ? "on" : "off")));
    UNDERSTUDY_CHECK(connection.query("SELECT pg_reload_conf()"));
    return {};
}

Result<std::string> log_in(const Config& config) {
    if (config.passwords.empty()) {
        UNDERSTUDY_CHECK(connect_to(config.listen));
        return std::string();
    }
    const auto& [user, password] = *config.passwords.begin();
    UNDERSTUDY_TRY(node::Connection connection,
                   node::Connection::open({to_string(config.listen.address), config.listen.port,
                                           config.database, user, password, answer_limit}));
    UNDERSTUDY_TRY(const auto answer, connection.query("SHOW server_version"));
    return answer.rows.at(0).at(0).value_or("");
}

}  // namespace understudy::postgresql
