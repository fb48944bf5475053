// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/postgresql_configs.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "sim/topology/queries.hpp"

namespace understudy::lab {
namespace {

using topology::Topology;

constexpr const char* data_directory = "/var/lib/understudy/postgresql";  // the host keeps it
constexpr const char* settings_file = "/etc/understudy/postgresql.conf";
constexpr const char* rules_file = "/etc/understudy/pg_hba.conf";
constexpr const char* socket_folder = "/run/postgresql";

template <typename Visit>
void for_accounts(const Topology& topology, const std::string& database, const Accounts& accounts,
                  Visit visit) {
    for (const auto& [node, account] : accounts)
        if (topology.nodes.at(node).database == database) visit(account);
}

std::string settings_text(const Topology& topology, const topology::Database& database) {
    const auto idle_ms = std::chrono::ceil<std::chrono::milliseconds>(idle_in_transaction_limit(topology));
    return fmt::format(
        "data_directory = '{}'\n"
        "hba_file = '{}'\n"
        "ident_file = '{}/pg_ident.conf'\n"  // initdb's own: it maps nobody
        "listen_addresses = '{}'\n"
        "port = {}\n"
        "unix_socket_directories = '{}'\n"
        "ssl = off\n"
        "password_encryption = 'scram-sha-256'\n"
        "max_connections = 100\n"
        "shared_buffers = '16MB'\n"
        "fsync = on\n"
        "synchronous_commit = on\n"
        // Before it recovers, the server syncs what it has: in one call, not in one for each of a thousand
        // files.
        "recovery_init_sync_method = syncfs\n"
        // Nobody copies or follows this server: what only that needs is not written.
        "wal_level = minimal\n"
        "max_wal_senders = 0\n"
        "max_logical_replication_workers = 0\n"
        // A compiler for queries that take seconds; there are none.
        "jit = off\n"
        // As our own service has it: a dead client's transaction holds up its successor for so long.
        "idle_in_transaction_session_timeout = '{}ms'\n"
        "timezone = 'UTC'\n"
        "log_timezone = 'UTC'\n"
        "lc_messages = 'C'\n"
        "log_destination = 'stderr'\n"
        "logging_collector = off\n",
        data_directory, rules_file, data_directory, to_string(database.address), database.port, socket_folder,
        idle_ms.count());
}

// The first line that fits decides, and what fits none is refused. The socket needs no password: its folder
// lets in the server's own user and root.
std::string rules_text(const Topology& topology, const std::string& database, const Accounts& accounts) {
    std::string text = fmt::format("local all \"{}\" trust\n", postgresql_superuser);
    for_accounts(topology, database, accounts, [&](const Account& account) {
        text += fmt::format("host \"{}\" \"{}\" 0.0.0.0/0 scram-sha-256\n", vault_database, account.user);
    });
    return text;
}

}  // namespace

std::string postgresql_service_config(const Topology& topology, const std::string& name,
                                      const Accounts& accounts) {
    const auto& database = topology.databases.at(name);
    json::object users;
    for_accounts(topology, name, accounts, [&](const Account& account) {
        users[account.user] = json::object{{"password_file", password_file(account)}};
    });
    return json::serialize(
        json::object{{"listen", fmt::format("{}:{}", to_string(database.address), database.port)},
                     {"data", data_directory},
                     {"template", inside::database_template},
                     {"settings", settings_file},
                     {"sockets", socket_folder},
                     {"superuser", postgresql_superuser},
                     {"database", vault_database},
                     {"users", std::move(users)},
                     {"scram_iterations", scram_iterations(topology, name)}});
}

std::vector<vmctl::FileConfig> postgresql_files(const Topology& topology, const std::string& name,
                                                const Accounts& accounts) {
    return {{settings_file, 0644, settings_text(topology, topology.databases.at(name))},
            {rules_file, 0644, rules_text(topology, name, accounts)}};
}

}  // namespace understudy::lab
