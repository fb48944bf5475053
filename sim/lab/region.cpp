// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/region.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/suggest.hpp"
#include "sim/lab/pod_machine.hpp"
#include "sim/lab/run_all.hpp"
#include "sim/lab/security.hpp"
#include "sim/lab/vm_machine.hpp"
#include "sim/topology/queries.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;

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
    asio::co_spawn(executor_, keep_service_faults(), asio::detached);
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

bool Region::ready() const {
    return status_document().ready();
}

json::object Region::status(bool memory) const {
    return status_document().document(memory);
}

StatusDocument Region::status_document() const {
    return StatusDocument({options_, hub_, hosts_, *ledger_, started_});
}

}  // namespace understudy::lab
