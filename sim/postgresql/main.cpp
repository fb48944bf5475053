// SPDX-License-Identifier: Apache-2.0
// understudy-postgresql: a real PostgreSQL server as a service of a region.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "base/io/event_writer.hpp"
#include "base/io/log.hpp"
#include "sim/postgresql/accounts.hpp"
#include "sim/postgresql/config.hpp"
#include "sim/postgresql/server.hpp"

namespace {

constexpr const char* usage =
    "usage: understudy-postgresql --config FILE [--read-only on|off]\n"
    "Runs this machine's PostgreSQL server on a data directory copied from a template, with the database "
    "and\n"
    "the users named. The file (YAML) has: listen, data, template, settings (its postgresql.conf), sockets,\n"
    "superuser, database, users: {NAME: {password_file}}, and optionally scram_iterations.\n"
    "With --read-only it tells the server that runs whether transactions may write, and ends.\n";

}  // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::string_view(arguments[1]) == "--help") {
        fmt::print("{}", usage);
        return 0;
    }
    const std::string_view setting = count == 5 ? arguments[4] : "";
    const bool sets_read_only = count == 5 && std::string_view(arguments[3]) == "--read-only" &&
                                (setting == "on" || setting == "off");
    if ((count != 3 && !sets_read_only) || std::string_view(arguments[1]) != "--config") {
        fmt::print(stderr, "{}", usage);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    understudy::io::start_log("understudy-postgresql");
    const auto config = understudy::postgresql::read_config(arguments[2]);
    if (config.has_error()) return understudy::io::fail(config.error());
    if (sets_read_only) {
        const auto set = understudy::postgresql::set_read_only(*config, setting == "on");
        return set.has_value() ? 0 : understudy::io::fail(set.error());
    }
    understudy::io::EventWriter events("db");
    const auto ended = understudy::postgresql::serve(*config, events);
    return ended.has_value() ? *ended : understudy::io::fail(ended.error());
}
