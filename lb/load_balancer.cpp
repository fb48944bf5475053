// SPDX-License-Identifier: Apache-2.0
#include "lb/load_balancer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/io/clock.hpp"
#include "lb/prober.hpp"
#include "lb/proxy/proxy.hpp"
#include "lb/sockets.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// One client in a tight loop against a dead backend must not fill the event store.
constexpr int most_attempt_events_a_second = 10;

MachineSettings settings_of(const Config& config) {
    MachineSettings settings;
    for (const Backend& backend : config.backends) settings.hosts.push_back(backend.host);
    for (const Probe& probe : config.probes)
        settings.probes.push_back({probe.interval, probe.timeout, probe.threshold});
    for (const Rule& rule : config.rules) {
        const auto found = std::find_if(config.probes.begin(), config.probes.end(),
                                        [&](const Probe& probe) { return probe.name == rule.probe; });
        settings.rules.push_back({rule.name, static_cast<std::size_t>(found - config.probes.begin())});
    }
    return settings;
}

// A source that can't be bound would make every probe fail for a reason that has nothing to do with the
// backends.
Result<void> check_probe_source(const asio::any_io_executor& executor, Ipv4Address source) {
    tcp::socket socket(executor);
    boost::system::error_code failure;
    socket.open(tcp::v4(), failure);
    if (!failure) socket.bind(to_asio({source, 0}), failure);
    if (!failure) return {};
    return system_error(fmt::format("probe_source {}", to_string(source)), failure.value(),
                        ErrorKind::environment)
        .with_remedy("it must be an address of this machine, or be left out");
}

// What the configuration can say and this program can't do yet must not be accepted and left undone.
Result<void> check_supported(const Config& config) {
    const auto unsupported = [](const char* what) -> Result<void> {
        return Error(ErrorKind::bad_input, what, "is not carried out by this balancer")
            .with_remedy("leave it out");
    };
    if (config.data_path != DataPathKind::proxy) return unsupported("data_path: passthrough");
    if (!config.admin_socket.empty()) return unsupported("admin_socket");
    for (const Probe& probe : config.probes)
        if (probe.protocol == ProbeProtocol::https) return unsupported("an https probe");
    return {};
}

}  // namespace

Result<std::shared_ptr<LoadBalancer>> LoadBalancer::start(asio::any_io_executor executor, Config config,
                                                          io::EventWriter& events) {
    UNDERSTUDY_CHECK(check_supported(config));
    if (config.probe_source) UNDERSTUDY_CHECK(check_probe_source(executor, *config.probe_source));
    const std::shared_ptr<LoadBalancer> made(
        new LoadBalancer(std::move(executor), std::move(config), events));
    DataPathObserver& observer = *made;
    made->data_path_ = std::make_unique<Proxy>(made->executor_, observer);
    UNDERSTUDY_CHECK(made->data_path_->open(made->held_config_, made->routing_table()));
    const Config& held = made->config_;
    events.report("configured",
                  fmt::format("{} on {}: {} rules, {} backends, {} probes, at most {} connections", held.name,
                              to_string(held.frontend), held.rules.size(), held.backends.size(),
                              held.probes.size(), held.max_connections),
                  {{"rules", static_cast<std::int64_t>(held.rules.size())},
                   {"backends", static_cast<std::int64_t>(held.backends.size())},
                   {"probes", static_cast<std::int64_t>(held.probes.size())},
                   {"max_connections", std::int64_t{held.max_connections}}});
    events.report("ready", fmt::format("{} listens on {}", held.name, to_string(held.frontend)));
    made->drive();
    return made;
}

LoadBalancer::LoadBalancer(asio::any_io_executor executor, Config config, io::EventWriter& events)
    : executor_(std::move(executor)),
      held_config_(std::make_shared<const Config>(std::move(config))),
      config_(*held_config_),
      events_(events),
      machine_(settings_of(config_), io::monotonic_now()),
      timer_(executor_) {}

void LoadBalancer::stop() {
    stopped_ = true;
    timer_.cancel();
    data_path_->close();
}

void LoadBalancer::drive() {
    if (stopped_) return;
    machine_.on_timeout(io::monotonic_now());
    for (const MachineAction& action : machine_.take_actions())
        std::visit([this](const auto& held) { carry_out(held); }, action);
    arm();
}

void LoadBalancer::arm() {
    const auto deadline = machine_.next_deadline();
    if (!deadline) return;
    timer_.expires_at(io::to_steady(deadline->when));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
        if (cancelled) return;
        if (const auto held = weak.lock()) held->drive();
    });
}

void LoadBalancer::carry_out(const StartProbe& action) {
    const Probe& probe = config_.probes[action.probe];
    ProbeRequest request{probe.protocol,
                         {config_.backends[action.backend].address, probe.port},
                         probe.path,
                         config_.probe_source,
                         action.time_limit};
    asio::co_spawn(executor_, run_probe(std::move(request)),
                   [weak = weak_from_this(), action](std::exception_ptr failure, ProbeResult result) {
                       if (failure) std::rethrow_exception(failure);  // out of memory: nothing left to decide
                       const auto held = weak.lock();
                       if (held == nullptr || held->stopped_) return;
                       held->machine_.handle(ProbeFinished{action.backend, action.probe, std::move(result)},
                                             io::monotonic_now());
                       held->drive();
                   });
}

void LoadBalancer::carry_out(const ProbeReport& action) {
    const std::string& host = config_.backends[action.backend].host;
    const std::string& probe = config_.probes[action.probe].name;
    const ProbeVerdict& verdict = action.verdict;
    const auto latency =
        std::chrono::duration_cast<std::chrono::microseconds>(verdict.result.latency).count();
    events_.report(verdict.result.healthy ? "probe_succeeded" : "probe_failed", verdict.reason,
                   {{"backend", host}, {"probe", probe}, {"latency_us", std::int64_t{latency}}});
    if (verdict.change != ProbeChange::changed) return;
    check_carried_out(data_path_->route(routing_table()));
    const bool up = verdict.health == Health::up;
    events_.report(up ? "probe_up" : "probe_down", verdict.reason, {{"backend", host}, {"probe", probe}});
    if (up || config_.on_backend_down != OnBackendDown::reset) return;
    for (std::size_t rule = 0; rule < config_.rules.size(); ++rule)
        if (config_.rules[rule].probe == probe)
            check_carried_out(data_path_->end_established({rule, action.backend, verdict.reason}));
}

RoutingTable LoadBalancer::routing_table() const {
    RoutingTable table;
    for (std::size_t rule = 0; rule < config_.rules.size(); ++rule) {
        RuleRouting& routing = table.rules.emplace_back();
        for (std::size_t backend = 0; backend < config_.backends.size(); ++backend)
            if (machine_.pool_of_rule(rule).health(backend) == Health::up)
                routing.eligible.push_back(backend);
    }
    return table;
}

// The data path was given a table of its own configuration: that it can't follow is worth knowing, and the
// next table may do.
void LoadBalancer::check_carried_out(const Result<void>& outcome) {
    if (outcome.has_error()) spdlog::error("data path: {}", outcome.error().message());
}

void LoadBalancer::carry_out(const NoHealthyBackend& action) {
    const std::string& rule = config_.rules[action.rule].name;
    events_.report("no_healthy_backend",
                   fmt::format("rule '{}' has no healthy backend: {}", rule, action.reason),
                   {{"rule", rule}});
}

void LoadBalancer::carry_out(const HealthyBackendAgain& action) {
    const std::string& rule = config_.rules[action.rule].name;
    const std::string& host = config_.backends[action.backend].host;
    events_.report("healthy_backend_again",
                   fmt::format("rule '{}' has a healthy backend again: {}", rule, host),
                   {{"rule", rule}, {"backend", host}});
}

void LoadBalancer::attempt_failed(const std::string& rule, const std::string& host, Endpoint client,
                                  const std::string& reason) {
    if (stopped_) return;
    const Instant now = io::monotonic_now();
    if (now - attempts_since_ >= 1s) {
        attempts_since_ = now;
        attempts_reported_ = 0;
    }
    if (++attempts_reported_ > most_attempt_events_a_second) {
        ++attempts_suppressed_;
        return;
    }
    events_.report("connection_failed", reason,
                   {{"backend", host},
                    {"rule", rule},
                    {"client", to_string(client)},
                    {"suppressed", std::exchange(attempts_suppressed_, 0)}});
}

}  // namespace understudy::lb
