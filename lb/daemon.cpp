// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <sstream>

#include "base/io/event_writer.hpp"
#include "lb/admin/admin_server.hpp"
#include "lb/config.hpp"
#include "lb/load_balancer.hpp"
#include "lb/proxy/pipe_pool.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;

// Descriptors beside those of the connections: listeners, pipes for splicing and the loop of each thread,
// probes in flight, events, the reactor's own.
std::uint64_t other_descriptors(const Config& config) {
    const std::size_t rules = config.rules.size() + config.inbound_nat_rules.size();
    return 32 + 4 * config.probes.size() * config.backends.size() +
           static_cast<std::size_t>(config.threads) * (rules + 2 * pipes_per_worker + 4);
}

// Two descriptors a connection. Raises the soft limit as far as the hard one lets it; what is still missing
// comes off max_connections, said once, with the number that would do.
void fit_to_descriptor_limit(Config& config) {
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

class Daemon {
  public:
    explicit Daemon(std::string config_path) : config_path_(std::move(config_path)) {}

    int run() {
        auto config = load_config(config_path_);
        if (config.has_error()) return failed(config.error());
        ::signal(SIGPIPE, SIG_IGN);
        fit_to_descriptor_limit(*config);
        const std::string admin_socket = config->admin_socket;
        auto started = LoadBalancer::start(context_.get_executor(), std::move(*config), events_);
        if (started.has_error()) return failed(started.error());
        balancer_ = std::move(*started);
        if (!admin_socket.empty()) {
            auto admin = AdminServer::start(context_.get_executor(), admin_socket, *balancer_,
                                            [this] { return reload(); });
            if (admin.has_error()) {
                balancer_->stop();
                return failed(admin.error());
            }
            admin_ = std::move(*admin);
        }
        ends_.async_wait([this](const boost::system::error_code& failure, int) {
            if (failure) return;
            if (admin_) admin_->stop();
            balancer_->stop();
            context_.stop();
        });
        wait_for_reload();
        context_.run();
        return 0;
    }

  private:
    static int failed(const Error& error) { return fail(error.message(), exit_status(error.kind)); }

    void wait_for_reload() {
        reloads_.async_wait([this](const boost::system::error_code& failure, int) {
            if (failure) return;
            static_cast<void>(reload());  // its outcome has been reported
            wait_for_reload();
        });
    }

    Result<void> reload() {
        auto outcome = [&]() -> Result<void> {
            UNDERSTUDY_TRY(auto config, load_config(config_path_));
            fit_to_descriptor_limit(config);
            return balancer_->reconfigure(std::move(config));
        }();
        if (outcome.has_error())
            events_.report("reload_failed", outcome.error().message(),
                           {{"error", outcome.error().message()}});
        return outcome;
    }

    std::string config_path_;
    asio::io_context context_{1};
    io::EventWriter events_{"lb"};
    asio::signal_set ends_{context_, SIGTERM, SIGINT};
    asio::signal_set reloads_{context_, SIGHUP};
    std::shared_ptr<LoadBalancer> balancer_;
    std::unique_ptr<AdminServer> admin_;
};

}  // namespace

int run_daemon(const std::string& config_path) {
    return Daemon(config_path).run();
}

int fail(const std::string& message, int exit_status) {
    std::istringstream lines(message);
    for (std::string line; std::getline(lines, line);) fmt::print(stderr, "understudy: {}\n", line);
    return exit_status;
}

}  // namespace understudy::lb
