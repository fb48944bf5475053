// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>

#include "base/io/log.hpp"
#include "storage/files/server/server.hpp"

using namespace understudy;

namespace {

int fail(const Error& error) {
    // A configuration's diagnostics already come as whole lines, one a mistake.
    fmt::print(stderr, "understudy: {}\n", error.message());
    return exit_status(error.kind);
}

// Each fid of a client is a descriptor here.
void raise_descriptor_limit() {
    struct rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A file service: 9P2000.L over TCP, with locks that a dead client's lease ends.",
                 "understudy-files");
    std::string config_path;
    app.add_option("--config", config_path, "what to listen on and what to export (YAML)")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_status(ErrorKind::bad_input);
    }
    io::start_log("understudy-files");
    Result<files::ServerConfig> config = files::load_server_config(config_path);
    if (config.has_error()) return fail(config.error());

    raise_descriptor_limit();
    ::umask(0);  // modes are the clients' business
    ::signal(SIGPIPE, SIG_IGN);
    boost::asio::io_context context(1);
    io::EventWriter events("files");
    files::Server server(context, events);
    if (Result<void> started = server.start(*config); started.has_error()) return fail(started.error());
    boost::asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code, int) {
        server.stop();
        context.stop();
    });
    std::string where = to_string(server.local_endpoint());
    events.report("ready", fmt::format("serving {} export(s) on {}", config->exports.size(), where),
                  {{"address", where}});
    context.run();
    return 0;
}
