// SPDX-License-Identifier: Apache-2.0
// understudy-db: SQLite behind the PostgreSQL protocol.
#include <fmt/format.h>
#include <malloc.h>
#include <sqlite3.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/command_line/command_line.hpp"
#include "base/io/event_writer.hpp"
#include "base/io/log.hpp"
#include "storage/database/admin/admin_server.hpp"
#include "storage/database/copy.hpp"
#include "storage/database/server.hpp"

using namespace understudy;

namespace {

// Several mistakes come as several lines, each with its place.
int refuse_config(const Error& error) {
    std::string text = error.message();
    for (std::size_t line = text.find('\n'); line != std::string::npos; line = text.find('\n', line + 1))
        if (line + 1 < text.size()) text.insert(line + 1, "understudy: ");
    fmt::print(stderr, "understudy: {}\n", text);
    return exit_status(error.kind);
}

int copied(const Result<void>& outcome, const std::string& from, const std::string& to) {
    if (outcome.has_error()) return io::fail(outcome.error());
    fmt::print("{}: a copy of {}\n", to, from);
    return 0;
}

int serve(database::Config config) {
    io::start_log("understudy-db");
    io::EventWriter events("db");
    const std::string admin_socket = config.admin_socket;
    database::Server server(std::move(config), events);
    if (auto opened = server.open(); opened.has_error()) return io::fail(opened.error());
    std::unique_ptr<database::AdminServer> administration;
    if (!admin_socket.empty()) {
        auto started = database::AdminServer::start(server, admin_socket);
        if (started.has_error()) return io::fail(started.error());
        administration = std::move(*started);
        server.on_stop([&administration] { administration->stop(); });
    }
    server.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    command_line::CommandLine app(
        "understudy-db",
        "Serves an SQLite database file with the PostgreSQL protocol (version 3, SCRAM-SHA-256).");
    std::string config_path, backup, restore, socket;
    std::vector<std::string> words;
    app.option("--config", config_path, "the file, where to listen, who may log in (YAML)");
    const command_line::Option backs_up = app.option(
        "--backup", backup, "write a copy of the file there, also while the service runs, and end");
    app.option("--restore", restore, "make the file from that copy, where there is none yet, and end")
        .not_with(backs_up);
    app.footer(
        "The configuration has: listen, file, users: {NAME: {password_file}}, and optionally database,\n"
        "max_connections, lock_timeout, idle_in_transaction_timeout, scram_iterations, admin_socket, "
        "power_loss,\n"
        "slow_statement_ms.");
    command_line::Command admin = app.subcommand("admin", "ask or change a service that runs");
    admin.option("--socket", socket, "its admin_socket").required().called_in_help("PATH");
    admin.option("command", words, "state, faults, metrics, fault KIND [KEY=VALUE]..., heal ID").required();
    if (const auto status = app.parse(argc, argv)) return *status;
    if (admin.chosen()) {
        const Result<std::string> answer = database::administer(socket, words);
        if (answer.has_error()) return io::fail(answer.error());
        fmt::print("{}", *answer);
        return 0;
    }
    if (config_path.empty())
        return io::fail(Error(ErrorKind::bad_input, "--config", "is missing").with_remedy("see --help"));
    // Two arenas are enough for sessions that mostly wait, and keep the process small.
    ::mallopt(M_ARENA_MAX, 2);
    ::signal(SIGPIPE, SIG_IGN);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    auto config = database::read_config(config_path);
    if (config.has_error()) return refuse_config(config.error());
    if (!backup.empty())
        return copied(database::back_up(config->admin_socket, config->file, backup), config->file, backup);
    if (!restore.empty())
        return copied(database::copy_database(restore, config->file), restore, config->file);
    return serve(std::move(*config));
}
