// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/region.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"
#include "base/suggest.hpp"
#include "sim/lab/host_command.hpp"
#include "sim/lab/pod_machine.hpp"
#include "sim/lab/run_all.hpp"
#include "sim/lab/security.hpp"
#include "sim/lab/vm_machine.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
using io::as_result;

// Two VMs and as many pods may be started or stopped at once.
constexpr std::size_t pool_threads = 4;

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
    FaultServices services;
    for (const auto& [name, service] : options_.topology.file_services) services.files.insert(name);
    for (const auto& [name, database] : options_.topology.databases) {
        services.databases.insert(name);
        if (database.engine == topology::DatabaseEngine::postgresql) services.postgresql.insert(name);
    }
    ledger_ = std::make_unique<FaultLedger>(std::move(names), std::move(services));
}

asio::awaitable<Result<void>> Region::start() {
    std::vector<asio::awaitable<Result<void>>> starts;
    for (const auto& host : hosts_) starts.push_back(host->power_on());
    const auto started = co_await run_all(executor_, std::move(starts));
    if (started.has_error()) co_return started.error();
    started_ = true;
    asio::co_spawn(executor_, heal_when_due(), asio::detached);
    co_return Result<void>();
}

asio::awaitable<void> Region::shut_down() {
    healing_.cancel();
    for (const auto& host : hosts_)
        if (host->plan().units_ended.empty()) co_await host->power_off();
    std::vector<asio::awaitable<Result<void>>> ends;
    for (const auto& host : hosts_) ends.push_back(host->end_units());
    co_await run_all(executor_, std::move(ends));
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

Result<std::vector<std::string>> Region::resolve(const std::vector<std::string>& names) const {
    std::vector<std::string> resolved;
    const auto active = hub_.view().active(topology::high_availability_hosts(options_.topology));
    for (const std::string& name : names) {
        if (name == "active") {
            if (!active) return Error(ErrorKind::failed, "target 'active'", "no host is active now");
            resolved.push_back(*active);
        } else if (name == "standby") {
            const auto before = resolved.size();
            for (const std::string& host : topology::high_availability_hosts(options_.topology))
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
    if (const auto client = request.settings.find("client"); client != request.settings.end()) {
        auto named = resolve({client->second});
        if (named.has_error()) co_return named.error();
        client->second = named->front();
    }
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
    if (carried.has_error()) {
        // A service has refused what only it can judge: then it is no fault in force.
        const bool of_service =
            scenario::is_share_fault(request.kind) || scenario::is_database_fault(request.kind);
        if (of_service && !applied->heals_itself) co_await heal(applied->id);
        co_return carried.error();
    }
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

bool Region::ready() const {
    return status_document().ready();
}

json::object Region::status(bool memory) const {
    return status_document().document(memory);
}

StatusDocument Region::status_document() const {
    return StatusDocument({options_, hub_, hosts_, *ledger_, started_});
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
    std::vector<asio::awaitable<Result<void>>> jobs;
    for (const Effect& effect : others) jobs.push_back(carry_out_one(effect));
    co_return co_await run_all(executor_, std::move(jobs));
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
        case Effect::Kind::service_fault:
        case Effect::Kind::service_heal:
            co_return co_await change_service(target, std::move(effect));
        case Effect::Kind::cut:
        case Effect::Kind::mend:
            break;  // carried out together, by carry_out()
    }
    co_return Result<void>();
}

}  // namespace understudy::lab
