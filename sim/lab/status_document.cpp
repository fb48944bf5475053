// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/status_document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/io/clock.hpp"
#include "sim/topology/queries.hpp"

namespace understudy::lab {

bool StatusDocument::host_ready(const Host& host) const {
    const HostPlan& plan = host.plan();
    if (host.state() != "running") return false;
    return std::all_of(plan.units_awaited.begin(), plan.units_awaited.end(), [&](const std::string& unit) {
        return region_.hub.view().unit_ready(plan.name, unit);
    });
}

bool StatusDocument::ready() const {
    if (!region_.started || !std::all_of(region_.hosts.begin(), region_.hosts.end(),
                                         [&](const auto& host) { return host_ready(*host); }))
        return false;
    const auto available = topology::high_availability_hosts(region_.options.topology);
    if (!available.empty() && !region_.hub.view().active(available)) return false;
    return region_.options.topology.clients.empty() || region_.hub.view().a_payment_was_acknowledged();
}

json::object StatusDocument::document(bool memory) const {
    const auto active =
        region_.hub.view().active(topology::high_availability_hosts(region_.options.topology));
    json::array hosts, balancers;
    for (const auto& host : region_.hosts) hosts.push_back(host_status(*host, memory));
    for (const auto& [name, balancer] : region_.options.topology.load_balancers)
        balancers.push_back(balancer_status(name));
    return {{"name", region_.options.directory.name()},
            {"state", ready()           ? "ready"
                      : region_.started ? "converging"
                                        : "starting"},
            {"world", region_.options.world == topology::HostWorld::vm ? "vm" : "pod"},
            {"accelerator", region_.options.guest ? region_.options.guest->accelerator : "none"},
            {"uptime_ms", whole_milliseconds(region_.hub.region_time())},
            {"active", active ? json::value(*active) : json::value(nullptr)},
            {"hosts", std::move(hosts)},
            {"load_balancers", std::move(balancers)},
            {"faults", fault_status()}};
}

json::object StatusDocument::host_status(const Host& host, bool memory) const {
    const HostPlan& plan = host.plan();
    const auto available = topology::high_availability_hosts(region_.options.topology);
    std::string role = plan.role;
    if (std::find(available.begin(), available.end(), plan.name) != available.end())
        role = region_.hub.view().host(plan.name).node_active ? "active" : "standby";
    const Duration in_state = region_.hub.region_time() - region_.hub.view().host(plan.name).since;
    json::object status{
        {"name", plan.name},
        {"kind", plan.virtual_machine ? "vm" : "pod"},
        {"address", to_string(plan.addresses.front())},
        {"state", host.state()},
        {"state_ms", whole_milliseconds(in_state)},
        {"ready", host_ready(host)},
        {"role", role},
        {"fault_domain", plan.fault_domain ? json::value(*plan.fault_domain) : json::value(nullptr)}};
    if (memory) {
        const io::ProcessMemory used = host.memory();
        status["resident_bytes"] = used.resident_bytes;
        status["proportional_bytes"] = used.proportional_bytes;
    }
    return status;
}

json::object StatusDocument::balancer_status(const std::string& name) const {
    const auto& balancer = region_.options.topology.load_balancers.at(name);
    const auto& seen = region_.hub.view().backends(name);
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
            {"dns", fmt::format("{}.{}", balancer.frontend_dns, region_.options.topology.network.dns_zone)},
            {"backends", std::move(backends)}};
}

json::array StatusDocument::fault_status() const {
    json::array faults;
    for (const Fault& fault : region_.ledger.in_force()) {
        json::array targets, others;
        for (const std::string& target : fault.request.targets) targets.emplace_back(target);
        for (const std::string& other : fault.request.others) others.emplace_back(other);
        const auto age =
            std::chrono::duration_cast<std::chrono::milliseconds>(io::monotonic_now() - fault.applied_at);
        faults.push_back(json::object{
            {"id", fault.id},
            {"kind", to_string(fault.request.kind)},
            {"targets", std::move(targets)},
            {"to", std::move(others)},
            {"age_ms", age.count()},
            {"detail",
             fmt::format("{}: {}, for {}", fault.id, in_words(fault.request), format_duration(age))}});
    }
    return faults;
}

}  // namespace understudy::lab
