// SPDX-License-Identifier: Apache-2.0
#include "lb/load_balancer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/io/clock.hpp"
#include "base/suggest.hpp"
#include "lb/config_changes.hpp"
#include "lb/config_machine.hpp"
#include "lb/make_data_path.hpp"
#include "lb/prober.hpp"
#include "lb/sockets.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// One client in a tight loop against a dead backend must not fill the event store.
constexpr int most_attempt_events_a_second = 10;

// A source that can't be bound would make every probe fail for a reason that has nothing to do with the
// backends.
Result<void> check_probe_source(const asio::any_io_executor& executor, const Config& config) {
    if (!config.probe_source) return {};
    tcp::socket socket(executor);
    boost::system::error_code failure;
    socket.open(tcp::v4(), failure);
    if (!failure) socket.bind(to_asio({*config.probe_source, 0}), failure);
    if (!failure) return {};
    return system_error(fmt::format("probe_source {}", to_string(*config.probe_source)), failure.value(),
                        ErrorKind::environment)
        .with_remedy("it must be an address of this machine, or be left out");
}

// What a data path can't carry out now is worth knowing; the next decision may be carried out again.
void check_carried_out(const Result<void>& outcome) {
    if (outcome.has_error()) spdlog::error("data path: {}", outcome.error().message());
}

}  // namespace

Result<std::shared_ptr<LoadBalancer>> LoadBalancer::start(asio::any_io_executor executor, Config config,
                                                          io::EventWriter& events) {
    UNDERSTUDY_CHECK(check_probe_source(executor, config));
    const std::shared_ptr<LoadBalancer> made(
        new LoadBalancer(std::move(executor), std::move(config), events));
    const Config& held = *made->config_;
    DataPathObserver& observer = *made;
    UNDERSTUDY_TRY(made->data_path_, make_data_path(held, made->executor_, observer));
    UNDERSTUDY_CHECK(made->data_path_->open(made->config_, made->machine_.table()));
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
      config_(std::make_shared<const Config>(std::move(config))),
      events_(events),
      machine_(machine_settings_of(*config_), io::monotonic_now()),
      timer_(executor_) {}

void LoadBalancer::stop() {
    if (std::exchange(stopped_, true)) return;
    timer_.cancel();
    data_path_->close();
}

Result<void> LoadBalancer::reconfigure(Config config) {
    const auto needs_start = [](const char* what) {
        return Error(ErrorKind::bad_input, what, "differs, and can't change while the balancer works")
            .with_remedy("set it as it was, or start the balancer anew");
    };
    if (config.data_path != config_->data_path) return needs_start("data_path");
    if (config.admin_socket != config_->admin_socket) return needs_start("admin_socket");
    UNDERSTUDY_CHECK(check_probe_source(executor_, config));
    const auto changes = changes_between(*config_, config);
    auto held = std::make_shared<const Config>(std::move(config));
    LoadBalancerMachine next = machine_.reloaded(machine_settings_of(*held), io::monotonic_now());
    UNDERSTUDY_CHECK(data_path_->reconfigure(held, next.table()));
    config_ = std::move(held);
    machine_ = std::move(next);
    events_.report(
        "reloaded",
        fmt::format("{}: {}", config_->name,
                    changes.empty() ? "nothing changed" : fmt::format("{}", fmt::join(changes, "; "))),
        {{"changes", static_cast<std::int64_t>(changes.size())}});
    drive();
    return {};
}

Result<std::size_t> LoadBalancer::place_of(const std::string& host) const {
    std::vector<std::string> hosts;
    for (std::size_t i = 0; i < config_->backends.size(); ++i) {
        if (config_->backends[i].host == host) return i;
        hosts.push_back(config_->backends[i].host);
    }
    const auto meant = nearest(host, hosts);
    return Error(ErrorKind::bad_input, fmt::format("backend '{}'", host), "is not in the configuration")
        .with_remedy(meant ? fmt::format("did you mean '{}'?", *meant)
                           : fmt::format("it has {}", fmt::join(hosts, ", ")));
}

void LoadBalancer::handle(const MachineEvent& event) {
    machine_.handle(event, io::monotonic_now());
    drive();
}

Result<void> LoadBalancer::enable(const std::string& host) {
    UNDERSTUDY_TRY(const std::size_t backend, place_of(host));
    handle(BackendEnable{backend});
    return {};
}

Result<void> LoadBalancer::disable(const std::string& host) {
    UNDERSTUDY_TRY(const std::size_t backend, place_of(host));
    handle(BackendDisable{backend});
    return {};
}

Result<void> LoadBalancer::drain(const std::string& host) {
    UNDERSTUDY_TRY(const std::size_t backend, place_of(host));
    if (machine_.admin(backend).state() == AdminState::disabled)
        return Error(ErrorKind::bad_input, fmt::format("backend '{}'", host), "is disabled already");
    handle(BackendDrain{backend});
    return {};
}

Result<void> LoadBalancer::backend_stopped(const std::string& host, const std::string& reason) {
    UNDERSTUDY_TRY(const std::size_t backend, place_of(host));
    handle(BackendStopped{backend, reason});
    return {};
}

Result<void> LoadBalancer::backend_started(const std::string& host, const std::string& reason) {
    UNDERSTUDY_TRY(const std::size_t backend, place_of(host));
    handle(BackendStarted{backend, reason});
    return {};
}

Result<Snapshot> LoadBalancer::snapshot() {
    UNDERSTUDY_TRY(Traffic traffic, data_path_->traffic());
    return snapshot_of(*config_, machine_, std::move(traffic), io::monotonic_now());
}

void LoadBalancer::drive() {
    if (stopped_) return;
    machine_.on_timeout(io::monotonic_now());
    // Counting flows may tell that a backend is drained, which brings actions of its own.
    for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions())
        for (const MachineAction& action : actions)
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

void LoadBalancer::carry_out(const RoutingTable& action) {
    check_carried_out(data_path_->route(action));
}

void LoadBalancer::carry_out(const EndEstablished& action) {
    const std::string& rule = config_->rules[action.rule].name;
    const std::string& host = config_->backends[action.backend].host;
    events_.report("flows_ended",
                   fmt::format("rule '{}': the flows of {} end: {}", rule, host, action.reason),
                   {{"rule", rule}, {"backend", host}});
    check_carried_out(data_path_->end_established(action));
}

void LoadBalancer::carry_out(const StartProbe& action) {
    const Probe& probe = config_->probes[action.probe];
    ProbeRequest request{probe.protocol,
                         {config_->backends[action.backend].address, probe.port},
                         probe.path,
                         config_->probe_source,
                         action.time_limit};
    asio::co_spawn(
        executor_, run_probe(std::move(request)),
        [weak = weak_from_this(), run = action.run](std::exception_ptr failure, ProbeResult result) {
            if (failure) std::rethrow_exception(failure);  // out of memory: nothing left to decide
            const auto held = weak.lock();
            if (held == nullptr || held->stopped_) return;
            held->handle(ProbeFinished{run, std::move(result)});
        });
}

void LoadBalancer::carry_out(const ProbeReport& action) {
    const std::string& host = config_->backends[action.backend].host;
    const std::string& probe = config_->probes[action.probe].name;
    const ProbeVerdict& verdict = action.verdict;
    const auto latency =
        std::chrono::duration_cast<std::chrono::microseconds>(verdict.result.latency).count();
    events_.report(verdict.result.healthy ? "probe_succeeded" : "probe_failed", verdict.reason,
                   {{"backend", host}, {"probe", probe}, {"latency_us", std::int64_t{latency}}});
    if (verdict.change != ProbeChange::changed) return;
    events_.report(verdict.health == Health::up ? "probe_up" : "probe_down", verdict.reason,
                   {{"backend", host}, {"probe", probe}});
}

void LoadBalancer::carry_out(const NoHealthyBackend& action) {
    const std::string& rule = config_->rules[action.rule].name;
    events_.report(
        "no_healthy_backend",
        fmt::format("rule '{}' has no healthy backend{}: {}", rule,
                    action.falls_back ? ", new flows go to those that are down" : "", action.reason),
        {{"rule", rule}});
}

void LoadBalancer::carry_out(const HealthyBackendAgain& action) {
    const std::string& rule = config_->rules[action.rule].name;
    const std::string& host = config_->backends[action.backend].host;
    events_.report("healthy_backend_again",
                   fmt::format("rule '{}' has a healthy backend again: {}", rule, host),
                   {{"rule", rule}, {"backend", host}});
}

void LoadBalancer::carry_out(const BackendChanged& action) {
    const std::string& host = config_->backends[action.backend].host;
    events_.report(fmt::format("backend_{}", to_string(action.change)),
                   fmt::format("{} {}: {}", host, to_string(action.change), action.reason),
                   {{"backend", host}});
}

// Without a count there is no answer: the question comes again, and the drain timeout holds.
void LoadBalancer::carry_out(const CountFlows& action) {
    const auto traffic = data_path_->traffic();
    if (traffic.has_error()) {
        spdlog::error("data path: {}", traffic.error().message());
        return;
    }
    std::uint64_t established = 0;
    for (const RuleCounters& rule : traffic->rules)
        established += rule.backends.at(action.backend).established;
    const std::string& host = config_->backends[action.backend].host;
    for (std::size_t i = 0; i < config_->inbound_nat_rules.size(); ++i)
        if (config_->inbound_nat_rules[i].host == host) established += traffic->inbound_nat.at(i).established;
    machine_.handle(FlowsLeft{action.backend, established}, io::monotonic_now());
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
