// SPDX-License-Identifier: Apache-2.0
// understudy-lb: reads its configuration, serves until SIGTERM or SIGINT.
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <sstream>

#include "base/io/event_writer.hpp"
#include "base/io/log.hpp"
#include "lb/config.hpp"
#include "lb/load_balancer.hpp"
#include "lb/proxy/pipe_pool.hpp"

namespace understudy {
namespace {

int fail(const Error& error) {
    std::istringstream lines(error.message());
    for (std::string line; std::getline(lines, line);) fmt::print(stderr, "understudy: {}\n", line);
    return exit_status(error.kind);
}

// Descriptors beside those of the connections: listeners, pipes for splicing and the loop of each thread,
// probes in flight, events, the reactor's own.
std::uint64_t other_descriptors(const lb::Config& config) {
    const std::size_t rules = config.rules.size() + config.inbound_nat_rules.size();
    return 32 + 4 * config.probes.size() * config.backends.size() +
           static_cast<std::size_t>(config.threads) * (rules + 2 * lb::pipes_per_worker + 4);
}

// Two descriptors a connection. Raises the soft limit as far as the hard one lets it; what is still missing
// comes off max_connections, said once, with the number that would do.
void fit_to_descriptor_limit(lb::Config& config) {
    const std::uint64_t wanted =
        2 * static_cast<std::uint64_t>(config.max_connections) + other_descriptors(config);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted) return;
    const std::uint64_t spare =
        limit.rlim_cur > other_descriptors(config) ? limit.rlim_cur - other_descriptors(config) : 0;
    const int fits = std::max(1, static_cast<int>(spare / 2));
    spdlog::warn(
        "open files: the limit of {} is enough for {} connections at once, not for max_connections {}; raise "
        "it to {} "
        "(ulimit -n, LimitNOFILE)",
        limit.rlim_cur, fits, config.max_connections, wanted);
    config.max_connections = fits;
}

int run(const std::string& config_path) {
    auto config = lb::load_config(config_path);
    if (config.has_error()) return fail(config.error());
    ::signal(SIGPIPE, SIG_IGN);
    fit_to_descriptor_limit(*config);
    boost::asio::io_context context(1);
    io::EventWriter events("lb");
    auto balancer = lb::LoadBalancer::start(context.get_executor(), std::move(*config), events);
    if (balancer.has_error()) return fail(balancer.error());
    boost::asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code& failure, int) {
        if (failure) return;
        (*balancer)->stop();
        context.stop();
    });
    context.run();
    return 0;
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) {
    CLI::App app("Load balancer: probes its backends and passes TCP connections on to the healthy ones.",
                 "understudy-lb");
    std::string config_path;
    app.add_option("--config", config_path, "YAML file: frontend, backends, probes, rules")
        ->required()
        ->type_name("FILE");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& failure) {
        fmt::print(stderr, "understudy: understudy-lb: {}; see understudy-lb --help\n", failure.what());
        return 2;
    }
    understudy::io::start_log("understudy-lb");
    return understudy::run(config_path);
}
