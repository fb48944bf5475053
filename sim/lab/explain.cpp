// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/json_text.hpp"
#include "base/suggest.hpp"
#include "sim/lab/security.hpp"

namespace understudy::lab {
namespace {

Error unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known) {
    const auto meant = nearest(name, known);
    return Error(ErrorKind::bad_input, fmt::format("{} '{}'", what, name), "does not exist")
        .with_remedy(meant ? fmt::format("did you mean '{}'?", *meant)
                           : fmt::format("there is {}", fmt::join(known, ", ")));
}

json::object host_in(const json::object& status, const std::string& name) {
    for (const json::value& host : status.at("hosts").as_array())
        if (text_of(host.as_object(), "name") == name) return host.as_object();
    return {};
}

bool names(const json::object& fault, const std::string& host) {
    for (const char* side : {"targets", "to"})
        for (const json::value& target : fault.at(side).as_array())
            if (target.as_string() == host) return true;
    return false;
}

json::object probe_facts(const topology::Topology& topology, const std::string& name,
                         const topology::Probe& probe, const topology::VirtualMachine& machine) {
    json::object facts{{"name", name},
                       {"target", fmt::format("{} {}:{}{}", topology::to_string(probe.protocol),
                                              to_string(machine.address), probe.port, probe.path)},
                       {"allowed", true},
                       {"group", machine.security_group},
                       {"rule", ""},
                       {"priority", 0}};
    for (const auto& group : security_groups(topology)) {
        if (group.name != machine.security_group) continue;
        const vmctl::Flow flow{vmctl::RuleProtocol::tcp, topology.network.probe_source, machine.address,
                               probe.port};
        const auto verdict =
            vmctl::evaluate(group, vmctl::RuleDirection::inbound, flow,
                            {topology.network.virtual_network, topology.network.probe_source});
        facts["allowed"] = verdict.access == vmctl::RuleAccess::allow;
        facts["rule"] = verdict.rule;
        facts["priority"] = verdict.priority;
    }
    return facts;
}

}  // namespace

Result<json::object> facts_of_backend(const topology::Topology& topology, const json::object& status,
                                      const std::string& balancer, const std::string& backend) {
    const auto found = topology.load_balancers.find(balancer);
    if (found == topology.load_balancers.end()) {
        std::vector<std::string> known;
        for (const auto& [name, held] : topology.load_balancers) known.push_back(name);
        return unknown("load balancer", balancer, known);
    }
    const auto& pool = found->second.backend_pool;
    const auto* machine = topology.find_machine(backend);
    if (std::find(pool.begin(), pool.end(), backend) == pool.end() || machine == nullptr)
        return unknown("backend", backend, pool);
    json::array probes, faults;
    for (const auto& [name, probe] : found->second.probes)
        probes.push_back(probe_facts(topology, name, probe, *machine));
    for (const json::value& fault : status.at("faults").as_array())
        if (names(fault.as_object(), backend) || names(fault.as_object(), balancer))
            faults.push_back(json::object{{"id", text_of(fault.as_object(), "id")},
                                          {"detail", text_of(fault.as_object(), "detail")}});
    const json::object host = host_in(status, backend);
    return json::object{{"balancer_host_state", text_of(host_in(status, balancer), "state")},
                        {"backend_host_state", text_of(host, "state")},
                        {"role", text_of(host, "role")},
                        {"probe_source", to_string(topology.network.probe_source)},
                        {"faults", std::move(faults)},
                        {"probes", std::move(probes)}};
}

}  // namespace understudy::lab
