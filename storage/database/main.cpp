// SPDX-License-Identifier: Apache-2.0
// understudy-db: SQLite behind the PostgreSQL protocol.
#include <fmt/format.h>
#include <malloc.h>
#include <sqlite3.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "base/io/event_writer.hpp"
#include "base/io/log.hpp"
#include "storage/database/server.hpp"

namespace {

constexpr const char* usage =
    "usage: understudy-db --config FILE\n"
    "Serves an SQLite database file with the PostgreSQL protocol (version 3, SCRAM-SHA-256).\n"
    "The file (YAML) has: listen, file, users: {NAME: {password_file}}, and optionally database, "
    "max_connections,\n"
    "lock_timeout, idle_in_transaction_timeout, tls_certificate with tls_key, scram_iterations.\n";

}  // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::string_view(arguments[1]) == "--help") {
        fmt::print("{}", usage);
        return 0;
    }
    if (count != 3 || std::string_view(arguments[1]) != "--config") {
        fmt::print(stderr, "{}", usage);
        return 2;
    }
    // Two arenas are enough for sessions that mostly wait, and keep the process small.
    ::mallopt(M_ARENA_MAX, 2);
    ::signal(SIGPIPE, SIG_IGN);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    auto config = understudy::database::read_config(arguments[2]);
    if (config.has_error()) {
        // Several mistakes come as several lines, each with its place.
        std::string text = config.error().message();
        for (std::size_t line = text.find('\n'); line != std::string::npos; line = text.find('\n', line + 1))
            if (line + 1 < text.size()) text.insert(line + 1, "understudy: ");
        fmt::print(stderr, "understudy: {}\n", text);
        return understudy::exit_status(config.error().kind);
    }
    understudy::io::start_log("understudy-db");
    understudy::io::EventWriter events("db");
    understudy::database::Server server(std::move(*config), events);
    if (auto opened = server.open(); opened.has_error()) return understudy::io::fail(opened.error());
    server.run();
    return 0;
}
