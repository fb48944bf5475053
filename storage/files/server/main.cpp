// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/command_line/command_line.hpp"
#include "base/io/log.hpp"
#include "storage/files/admin/admin_server.hpp"
#include "storage/files/admin/client.hpp"
#include "storage/files/server/server.hpp"

using namespace understudy;

namespace {

constexpr int kept_memory_bytes = 32 << 20;

// Each fid of a client is a descriptor here.
void raise_descriptor_limit() {
    struct rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    command_line::CommandLine app(
        "understudy-files", "A file service: 9P2000.L over TCP, with locks that a dead client's lease ends.");
    std::string config_path, socket;
    std::vector<std::string> words;
    app.option("--config", config_path, "what to listen on and what to export (YAML)");
    command_line::Command admin = app.subcommand("admin", "ask or change a file service that runs");
    admin.option("--socket", socket, "its admin_socket").required().called_in_help("PATH");
    admin
        .option("command", words,
                "state, sessions, locks, faults, metrics, fault KIND [KEY=VALUE]..., heal ID, end CLIENT")
        .required();
    if (const auto status = app.parse(argc, argv)) return *status;
    if (admin.chosen()) {
        const Result<std::string> answer = files::administer(socket, words);
        if (answer.has_error()) return io::fail(answer.error());
        fmt::print("{}", *answer);
        return 0;
    }
    if (config_path.empty())
        return io::fail(Error(ErrorKind::bad_input, "--config", "is missing").with_remedy("see --help"));
    io::start_log("understudy-files");
    Result<files::ServerConfig> config = files::load_server_config(config_path);
    if (config.has_error()) return io::fail(config.error());

    raise_descriptor_limit();
    ::umask(0);  // modes are the clients' business
    ::signal(SIGPIPE, SIG_IGN);
    // Messages of up to 1 MiB come and go: their memory is kept rather than fetched from the kernel each
    // time.
    ::mallopt(M_MMAP_THRESHOLD, kept_memory_bytes);
    ::mallopt(M_TRIM_THRESHOLD, kept_memory_bytes);
    boost::asio::io_context context(1);
    io::EventWriter events("files");
    files::Server server(context, events);
    if (Result<void> started = server.start(*config); started.has_error()) return io::fail(started.error());
    std::unique_ptr<files::AdminServer> administration;
    if (!config->admin_socket.empty()) {
        auto opened = files::AdminServer::start(context.get_executor(), config->admin_socket, server);
        if (opened.has_error()) return io::fail(opened.error());
        administration = std::move(*opened);
    }
    // As a machine without power: nothing is closed in order and nothing is said.
    server.on_power_lost([] { std::_Exit(1); });
    boost::asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code, int) {
        server.stop();
        if (administration != nullptr) administration->stop();
        context.stop();
    });
    std::string where = to_string(server.local_endpoint());
    events.report("ready", fmt::format("serving {} export(s) on {}", config->exports.size(), where),
                  {{"address", where}});
    context.run();
    return 0;
}
