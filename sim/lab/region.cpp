// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/region.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/io/clock.hpp"
#include "base/suggest.hpp"
#include "sim/lab/pod_machine.hpp"
#include "sim/lab/security.hpp"
#include "sim/lab/vm_machine.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// Two VMs and as many pods may be started or stopped at once.
constexpr std::size_t pool_threads = 4;

std::string in_words(const FaultRequest& request) {
    std::string text = fmt::format("{} {}", to_string(request.kind), fmt::join(request.targets, ", "));
    if (request.kind == FaultKind::partition)
        text += request.others.empty() ? " from everyone"
                                       : fmt::format(" from {}", fmt::join(request.others, ", "));
    if (request.kind == FaultKind::kill || request.kind == FaultKind::stop) text += " (" + request.unit + ")";
    return text;
}

}  // namespace

Region::Region(asio::any_io_executor executor, const SupervisorOptions& options, EventHub& hub,
               vmctl::Fabric fabric)
    : executor_(std::move(executor)),
      options_(options),
      hub_(hub),
      fabric_(std::move(fabric)),
      pool_(pool_threads),
      accounts_(make_accounts(options.topology)),
      healing_(executor_) {}

Region::~Region() {
    pool_.join();
}

Result<std::unique_ptr<Region>> Region::create(asio::any_io_executor executor,
                                               const SupervisorOptions& options, EventHub& hub) {
    const auto& network = options.topology.network;
    UNDERSTUDY_TRY(auto fabric, vmctl::Fabric::create({network.virtual_network, network.public_network,
                                                       network.internet, network.probe_source}));
    std::unique_ptr<Region> region(new Region(std::move(executor), options, hub, std::move(fabric)));
    UNDERSTUDY_CHECK(region->fabric_.set_security_groups(security_groups(options.topology)));
    if (options.world == topology::HostWorld::vm) UNDERSTUDY_CHECK(region->open_hypervisor());
    region->make_hosts();
    return region;
}

Result<void> Region::open_hypervisor() {
    vmctl::HypervisorOptions hypervisor;
    // libvirt's sockets need a short path; /run is the sandbox's own and goes with it.
    hypervisor.root_dir = "/run/libvirt-root";
    hypervisor.capabilities_cache = cache_directory() / "libvirt-capabilities";
    UNDERSTUDY_TRY(hypervisor_, vmctl::Hypervisor::open(std::move(hypervisor)));
    return {};
}

void Region::make_hosts() {
    auto plans = plan_hosts(options_.topology, options_.world, accounts_);
    // VMs first: the others start while they boot.
    std::stable_partition(plans.begin(), plans.end(),
                          [](const HostPlan& plan) { return plan.virtual_machine; });
    std::set<std::string> names;
    for (HostPlan& plan : plans) {
        names.insert(plan.name);
        auto machine = plan.virtual_machine
                           ? make_vm_machine(plan, *options_.guest, options_.directory, fabric_, *hypervisor_)
                           : make_pod_machine(plan, options_, fabric_);
        const std::string log = options_.directory.log(plan.name).string();
        hosts_.push_back(
            std::make_shared<Host>(executor_, pool_, hub_, std::move(plan), std::move(machine), log));
    }
    ledger_ = std::make_unique<FaultLedger>(std::move(names));
}

asio::awaitable<Result<void>> Region::start() {
    // Each host's start is its own coroutine, so that VMs boot side by side; the first error is the answer.
    std::size_t left = hosts_.size();
    std::optional<Error> failed;
    asio::steady_timer done(executor_, asio::steady_timer::time_point::max());
    const auto power_on = [](std::shared_ptr<Host> host, std::size_t& count, std::optional<Error>& error,
                             asio::steady_timer& signal) -> asio::awaitable<void> {
        auto result = co_await host->power_on();
        if (result.has_error() && !error) error = result.error();
        --count;
        signal.cancel();
    };
    for (const auto& host : hosts_)
        asio::co_spawn(executor_, power_on(host, left, failed, done), asio::detached);
    while (left > 0) co_await done.async_wait(as_result);
    if (failed) co_return *failed;
    started_ = true;
    asio::co_spawn(executor_, heal_when_due(), asio::detached);
    co_return Result<void>();
}

asio::awaitable<void> Region::shut_down() {
    healing_.cancel();
    for (const auto& host : hosts_) co_await host->power_off();
}

Result<std::shared_ptr<Host>> Region::host(const std::string& name) const {
    UNDERSTUDY_TRY(const auto names, resolve({name}));
    for (const auto& host : hosts_)
        if (host->plan().name == names.front()) return host;
    std::vector<std::string> known;
    for (const auto& host : hosts_) known.push_back(host->plan().name);
    const auto meant = nearest(name, known);
    return Error(ErrorKind::bad_input, fmt::format("host '{}'", name), "does not exist")
        .with_remedy(meant ? fmt::format("did you mean '{}'?", *meant)
                           : fmt::format("hosts: {}", fmt::join(known, ", ")));
}

std::vector<std::string> Region::available_hosts() const {
    return topology::hosts_of_node(options_.topology, topology::high_availability_node(options_.topology));
}

Result<std::vector<std::string>> Region::resolve(const std::vector<std::string>& names) const {
    std::vector<std::string> resolved;
    const auto active = hub_.view().active(available_hosts());
    for (const std::string& name : names) {
        if (name == "active") {
            if (!active) return Error(ErrorKind::failed, "target 'active'", "no host is active now");
            resolved.push_back(*active);
        } else if (name == "standby") {
            const auto before = resolved.size();
            for (const std::string& host : available_hosts())
                if (host != active) resolved.push_back(host);
            if (resolved.size() == before)
                return Error(ErrorKind::failed, "target 'standby'", "no host is standby now");
        } else {
            resolved.push_back(name);
        }
    }
    return resolved;
}

asio::awaitable<Result<FaultLedger::Applied>> Region::apply(FaultRequest request) {
    auto targets = resolve(request.targets);
    if (targets.has_error()) co_return targets.error();
    auto others = resolve(request.others);
    if (others.has_error()) co_return others.error();
    request.targets = std::move(*targets);
    request.others = std::move(*others);
    const std::string words = in_words(request);
    auto applied = ledger_->apply(request, io::monotonic_now());
    if (applied.has_error()) co_return applied.error();
    for (const std::string& target : request.targets)
        hub_.record(
            target,
            {"lab",
             "fault_applied",
             words,
             {{"fault", applied->id}, {"kind", std::string(to_string(request.kind))}, {"target", target}}});
    auto carried = co_await carry_out(applied->effects);
    if (carried.has_error()) co_return carried.error();
    healing_.cancel();
    co_return std::move(*applied);
}

asio::awaitable<Result<std::vector<std::string>>> Region::heal(std::string id) {
    std::vector<std::string> ids{id};
    if (id == "all") {
        ids.clear();
        for (const Fault& fault : ledger_->in_force()) ids.push_back(fault.id);
    }
    for (const std::string& each : ids) {
        FaultRequest request;
        for (const Fault& fault : ledger_->in_force())
            if (fault.id == each) request = fault.request;
        auto effects = ledger_->heal(each);
        if (effects.has_error()) co_return effects.error();
        for (const std::string& target : request.targets)
            hub_.record(
                target,
                {"lab",
                 "fault_healed",
                 in_words(request),
                 {{"fault", each}, {"kind", std::string(to_string(request.kind))}, {"target", target}}});
        auto carried = co_await carry_out(std::move(*effects));
        if (carried.has_error()) co_return carried.error();
    }
    co_return ids;
}

asio::awaitable<void> Region::heal_when_due() {
    while (started_) {
        const auto next = ledger_->next_deadline();
        healing_.expires_at(next ? io::to_steady(next->when) : asio::steady_timer::time_point::max());
        co_await healing_.async_wait(as_result);
        for (const std::string& id : ledger_->due(io::monotonic_now())) co_await heal(id);
    }
}

asio::awaitable<Result<void>> Region::carry_out(std::vector<Effect> effects) {
    std::vector<vmctl::HostPair> cuts, mends;
    std::vector<Effect> others;
    for (const Effect& effect : effects) {
        if (effect.kind == Effect::Kind::cut)
            cuts.push_back({effect.host, effect.other});
        else if (effect.kind == Effect::Kind::mend)
            mends.push_back({effect.host, effect.other});
        else
            others.push_back(effect);
    }
    if (!cuts.empty())
        if (auto result = fabric_.cut(cuts); result.has_error()) co_return result.error();
    if (!mends.empty())
        if (auto result = fabric_.mend(mends); result.has_error()) co_return result.error();
    // Hosts are independent of each other: a fault of two hosts hits both at the same instant.
    std::size_t left = others.size();
    std::optional<Error> failed;
    asio::steady_timer done(executor_, asio::steady_timer::time_point::max());
    const auto one = [](Region* self, Effect effect, std::size_t& count, std::optional<Error>& error,
                        asio::steady_timer& signal) -> asio::awaitable<void> {
        auto result = co_await self->carry_out_one(std::move(effect));
        if (result.has_error() && !error) error = result.error();
        --count;
        signal.cancel();
    };
    for (const Effect& effect : others)
        asio::co_spawn(executor_, one(this, effect, left, failed, done), asio::detached);
    while (left > 0) co_await done.async_wait(as_result);
    if (failed) co_return *failed;
    co_return Result<void>();
}

asio::awaitable<Result<void>> Region::carry_out_one(Effect effect) {
    auto found = host(effect.host);
    if (found.has_error()) co_return found.error();
    const auto target = *found;
    switch (effect.kind) {
        case Effect::Kind::power_off:
            co_return co_await target->power_off();
        case Effect::Kind::power_on:
            co_return co_await target->power_on();
        case Effect::Kind::reset:
            co_return co_await target->reset();
        case Effect::Kind::pause:
            co_return co_await target->pause();
        case Effect::Kind::resume:
            co_return co_await target->resume();
        case Effect::Kind::kill_unit:
            co_return target->signal_unit(effect.other, SIGKILL);
        case Effect::Kind::stop_unit:
            co_return target->stop_unit(effect.other);
        case Effect::Kind::start_unit:
            co_return target->start_unit(effect.other);
        case Effect::Kind::cut:
        case Effect::Kind::mend:
            break;  // carried out together, by carry_out()
    }
    co_return Result<void>();
}

bool Region::host_ready(const Host& host) const {
    const HostPlan& plan = host.plan();
    if (host.state() != "running") return false;
    return std::all_of(plan.units_awaited.begin(), plan.units_awaited.end(),
                       [&](const std::string& unit) { return hub_.view().unit_ready(plan.name, unit); });
}

bool Region::ready() const {
    if (!started_ ||
        !std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& host) { return host_ready(*host); }))
        return false;
    const auto available = available_hosts();
    if (!available.empty() && !hub_.view().active(available)) return false;
    return options_.topology.clients.empty() || hub_.view().a_payment_was_acknowledged();
}

json::object Region::status(bool memory) const {
    const auto active = hub_.view().active(available_hosts());
    json::array hosts, balancers;
    for (const auto& host : hosts_) hosts.push_back(host_status(*host, memory));
    for (const auto& [name, balancer] : options_.topology.load_balancers)
        balancers.push_back(balancer_status(name));
    return {{"name", options_.directory.name()},
            {"state", ready()    ? "ready"
                      : started_ ? "converging"
                                 : "starting"},
            {"world", options_.world == topology::HostWorld::vm ? "vm" : "pod"},
            {"accelerator", options_.guest ? options_.guest->accelerator : "none"},
            {"uptime_ms", std::chrono::duration_cast<std::chrono::milliseconds>(hub_.region_time()).count()},
            {"active", active ? json::value(*active) : json::value(nullptr)},
            {"hosts", std::move(hosts)},
            {"load_balancers", std::move(balancers)},
            {"faults", fault_status()}};
}

json::object Region::host_status(const Host& host, bool memory) const {
    const HostPlan& plan = host.plan();
    const auto available = available_hosts();
    std::string role = plan.role;
    if (std::find(available.begin(), available.end(), plan.name) != available.end())
        role = hub_.view().host(plan.name).node_active ? "active" : "standby";
    const Duration in_state = hub_.region_time() - hub_.view().host(plan.name).since;
    json::object status{
        {"name", plan.name},
        {"kind", plan.virtual_machine ? "vm" : "pod"},
        {"address", to_string(plan.addresses.front())},
        {"state", host.state()},
        {"state_ms", std::chrono::duration_cast<std::chrono::milliseconds>(in_state).count()},
        {"ready", host_ready(host)},
        {"role", role},
        {"fault_domain", plan.fault_domain ? json::value(*plan.fault_domain) : json::value(nullptr)}};
    if (memory) status["resident_bytes"] = host.resident_bytes();
    return status;
}

json::object Region::balancer_status(const std::string& name) const {
    const auto& balancer = options_.topology.load_balancers.at(name);
    const auto& seen = hub_.view().backends(name);
    json::array backends;
    for (const std::string& host : balancer.backend_pool) {
        const auto found = seen.find(host);
        const BackendStatus backend = found == seen.end() ? BackendStatus() : found->second;
        json::object probes;
        for (const auto& [probe_name, probe] : backend.probes)
            probes[probe_name] = json::object{{"up", probe.up}, {"reason", probe.reason}};
        backends.push_back(json::object{{"host", host},
                                        {"healthy", backend.healthy()},
                                        {"reason", backend.reason()},
                                        {"probes", std::move(probes)}});
    }
    return {{"name", name},
            {"address", to_string(balancer.frontend_address)},
            {"dns", fmt::format("{}.{}", balancer.frontend_dns, options_.topology.network.dns_zone)},
            {"backends", std::move(backends)}};
}

json::array Region::fault_status() const {
    json::array faults;
    for (const Fault& fault : ledger_->in_force()) {
        json::array targets;
        for (const std::string& target : fault.request.targets) targets.emplace_back(target);
        const auto age =
            std::chrono::duration_cast<std::chrono::milliseconds>(io::monotonic_now() - fault.applied_at);
        faults.push_back(json::object{
            {"id", fault.id},
            {"kind", to_string(fault.request.kind)},
            {"targets", std::move(targets)},
            {"age_ms", age.count()},
            {"detail",
             fmt::format("{}: {}, for {}", fault.id, in_words(fault.request), format_duration(age))}});
    }
    return faults;
}

}  // namespace understudy::lab
