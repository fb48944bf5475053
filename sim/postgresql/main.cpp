// SPDX-License-Identifier: Apache-2.0
// understudy-postgresql: a real PostgreSQL server as a service of a region.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "base/io/event_writer.hpp"
#include "base/io/log.hpp"
#include "sim/postgresql/config.hpp"
#include "sim/postgresql/server.hpp"

namespace {

constexpr const char* usage =
    "usage: understudy-postgresql --config FILE\n"
    "Runs this machine's PostgreSQL server on a data directory copied from a template, with the database "
    "and\n"
    "the users named. The file (YAML) has: listen, data, template, settings (its postgresql.conf), sockets,\n"
    "superuser, database, users: {NAME: {password_file}}, and optionally scram_iterations.\n";

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
    std::signal(SIGPIPE, SIG_IGN);
    understudy::io::start_log("understudy-postgresql");
    const auto config = understudy::postgresql::read_config(arguments[2]);
    if (config.has_error()) return understudy::io::fail(config.error());
    understudy::io::EventWriter events("db");
    const auto ended = understudy::postgresql::serve(*config, events);
    return ended.has_value() ? *ended : understudy::io::fail(ended.error());
}
