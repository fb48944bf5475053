// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/assert.hpp"
#include "sim/lab/host_units.hpp"
#include "sim/lab/postgresql_configs.hpp"
#include "sim/topology/queries.hpp"
#include "vmctl/core/placement.hpp"
#include "vmctl/network/dns.hpp"

namespace understudy::lab {
namespace {

using topology::HostKind;
using topology::Topology;

// It writes out what is in memory only.
constexpr Duration postgresql_stop_limit = 5s;

class Planner {
  public:
    Planner(const Topology& topology, topology::HostWorld world, const Accounts& accounts)
        : topology_(topology), world_(world), accounts_(accounts), share_keys_(make_share_keys(topology)) {}

    std::vector<HostPlan> plan() {
        std::vector<HostPlan> plans;
        plans.push_back(dns());
        for (const auto& host : topology::hosts(topology_)) plans.push_back(planned(host));
        for (HostPlan& plan : plans) {
            plan.config.interface.emplace();
            for (const Ipv4Address address : plan.addresses)
                plan.config.interface->addresses.push_back(to_string(address));
        }
        return plans;
    }

  private:
    HostPlan base(const std::string& name, Ipv4Address address, const std::string& role) const {
        HostPlan plan;
        plan.name = name;
        plan.role = role;
        plan.addresses = {address};
        plan.config.hostname = name;
        plan.config.resolv_conf =
            vmctl::resolv_conf(topology_.network.dns_zone, topology_.network.dns_address);
        plan.config.hosts_file = fmt::format("127.0.0.1 localhost\n{} {}.{} {}\n", to_string(address), name,
                                             topology_.network.dns_zone, name);
        return plan;
    }

    void add_file(HostPlan& plan, const std::string& path, std::string content,
                  std::uint32_t mode = 0644) const {
        plan.config.files.push_back({path, mode, std::move(content)});
    }

    void add_daemon(HostPlan& plan, const std::string& name, const char* executable,
                    std::string config) const {
        add_file(plan, config_path(name), std::move(config));
        plan.config.units.push_back(daemon_unit(name, executable));
        plan.units_awaited.push_back(name);
    }

    void add_account(HostPlan& plan, const Account& account) const {
        add_file(plan, password_file(account), account.password + "\n", 0600);
    }

    // False: the service asks for none.
    bool add_share_key(HostPlan& plan, const std::string& service) const {
        const auto key = share_keys_.find(service);
        if (key == share_keys_.end()) return false;
        add_file(plan, share_key_file(service), key->second + "\n", 0600);
        return true;
    }

    // dnsmasq reports no events: it is ready when it runs.
    HostPlan dns() const {
        HostPlan plan = base(dns_host, topology_.network.dns_address, "name service");
        vmctl::DnsZone zone{topology_.network.dns_zone, {}};
        for (const auto& [full_name, address] : topology::dns_records(topology_))
            zone.names[full_name.substr(0, full_name.size() - topology_.network.dns_zone.size() - 1)] =
                address;
        const auto config = vmctl::dnsmasq_config(zone, topology_.network.dns_address);
        UNDERSTUDY_ASSERT(config.has_value(), "a checked topology has names that DNS takes");
        const std::string path = fmt::format("{}/dnsmasq.conf", inside::configuration);
        add_file(plan, path, *config);
        plan.config.units.push_back(unit("dns", vmctl::dnsmasq_argv(path)));
        return plan;
    }

    HostPlan planned(const topology::Host& host) const {
        HostPlan plan = base(host.name, host.address, topology::to_string(host.kind));
        plan.virtual_machine = world_ == topology::HostWorld::vm && host.world == topology::HostWorld::vm;
        switch (host.kind) {
            case HostKind::virtual_machine:
                add_machine(plan);
                break;
            case HostKind::node:
                add_node(plan, host.node);
                break;
            case HostKind::load_balancer:
                plan.addresses.push_back(topology_.network.probe_source);
                plan.writes_fabric =
                    topology_.load_balancers.at(host.name).data_path == topology::DataPath::passthrough;
                add_daemon(plan, "lb", "understudy-lb", balancer_config(topology_, host.name));
                break;
            case HostKind::file_service:
                add_daemon(plan, "files", "understudy-files", files_config(topology_, host.name));
                add_share_key(plan, host.name);
                break;
            case HostKind::database:
                add_database(plan);
                break;
            case HostKind::network_map:
                add_file(plan, config_path("network-map"), network_map_config(topology_));
                plan.config.units.push_back(
                    unit("network-map", {program_path("understudy-node"), "network-map", "--config",
                                         config_path("network-map")}));
                plan.units_awaited.push_back("network-map");
                break;
            case HostKind::client:
                if (const auto& name = topology_.clients.at(host.name).program; !name.empty()) {
                    add_program(plan, "client", name);
                    plan.units_awaited.push_back("client");
                    break;
                }
                add_file(plan, config_path("client"), client_config(topology_, host.name));
                plan.config.units.push_back(unit("client", {program_path("understudy-node"), "client",
                                                            "--config", config_path("client")}));
                // It drains what is outstanding before it ends.
                plan.config.units.back().stop_timeout = 10s;
                plan.config.units.back().restart = vmctl::RestartPolicy::on_failure;
                plan.units_awaited.push_back("client");
                break;
        }
        return plan;
    }

    void add_machine(HostPlan& plan) const {
        const auto& machine = *topology_.find_machine(plan.name);
        plan.security_group = machine.security_group;
        for (const auto& [name, balancer] : topology_.load_balancers) {
            const auto& pool = balancer.backend_pool;
            if (std::find(pool.begin(), pool.end(), plan.name) != pool.end() &&
                std::any_of(balancer.rules.begin(), balancer.rules.end(),
                            [](const auto& rule) { return rule.floating_ip; }))
                plan.floating.push_back(balancer.frontend_address);
        }
        plan.memory_bytes = machine.memory_bytes;
        plan.vcpus = machine.vcpus;
        plan.fault_domain = fault_domain(plan.name);
        for (const auto& [path, service] : machine.mounts) {
            std::optional<std::string> key_file;
            if (add_share_key(plan, service)) key_file = share_key_file(service);
            plan.config.units.push_back(mount_unit(topology_, service, plan.name, path, key_file));
            plan.units_awaited.push_back(plan.config.units.back().name);
        }
        if (!machine.node.empty()) add_node(plan, machine.node);
        if (!machine.program.empty()) {
            add_program(plan, "node", machine.program);
            if (!topology_.programs.at(machine.program).active_port) plan.units_awaited.push_back("node");
        }
    }

    // `unit_name` says what it stands for: a node or a client.
    void add_program(HostPlan& plan, const char* unit_name, const std::string& name) const {
        const topology::Program& program = topology_.programs.at(name);
        vmctl::UnitSpec spec = program_unit(program, unit_name, plan.name, plan.addresses.front());
        require_mounts(plan.config.units, spec);
        for (const auto& [path, file] : program.files) add_file(plan, path, file.content, file.mode);
        if (!program.executable.empty())
            plan.own_programs.push_back({program.executable, program.command.front()});
        for (const std::string& path : program.from_machine) plan.own_programs.push_back({path, path});
        plan.config.units.push_back(std::move(spec));
    }

    void add_node(HostPlan& plan, const std::string& name) const {
        const auto& node = topology_.nodes.at(name);
        const Account& account = accounts_.at(name);
        plan.node = name;
        add_account(plan, account);
        vmctl::UnitSpec spec =
            unit("node", {program_path("understudy-node"), "run", "--config", config_path("node")});
        if (node.database.empty()) {
            add_daemon(plan, "database", "understudy-db", private_database_config(account));
            add_file(plan, audit_path(name), audit_config(topology_, name, account));
            spec.requires_units.push_back("database");
        }
        require_mounts(plan.config.units, spec);
        if (!node.program.empty()) {
            const std::string target = fmt::format("/opt/understudy/programs/{}",
                                                   std::filesystem::path(node.program).filename().string());
            plan.own_programs.push_back({std::filesystem::absolute(node.program).string(), target});
            spec.argv.front() = target;
        }
        spec.argv.insert(spec.argv.end(), node.program_arguments.begin(), node.program_arguments.end());
        spec.restart_delay = node.restart_delay;
        add_file(plan, config_path("node"), node_config(topology_, name, plan.name, account));
        plan.config.units.push_back(std::move(spec));
        if (!node.mutual_exclusion.enabled) plan.units_awaited.push_back("node");
    }

    void add_database(HostPlan& plan) const {
        for (const auto& [node, account] : accounts_) {
            if (topology_.nodes.at(node).database != plan.name) continue;
            add_account(plan, account);
            add_file(plan, audit_path(node), audit_config(topology_, node, account));
        }
        if (topology_.databases.at(plan.name).engine == topology::DatabaseEngine::postgresql)
            return add_postgresql(plan);
        add_daemon(plan, "database", "understudy-db", database_config(topology_, plan.name, accounts_));
    }

    void add_postgresql(HostPlan& plan) const {
        for (auto& file : postgresql_files(topology_, plan.name, accounts_))
            plan.config.files.push_back(std::move(file));
        add_daemon(plan, "database", "understudy-postgresql",
                   postgresql_service_config(topology_, plan.name, accounts_));
        plan.config.units.back().stop_timeout = postgresql_stop_limit;
        plan.copies_database_template = true;
        plan.units_ended.push_back("database");
    }

    std::optional<int> fault_domain(const std::string& machine) const {
        const std::string& set = topology_.find_machine(machine)->availability_set;
        if (set.empty()) return std::nullopt;
        std::vector<std::string> members;
        for (const auto& [name, other] : topology_.virtual_machines)
            if (other.availability_set == set) members.push_back(name);
        const auto& domains = topology_.availability_sets.at(set);
        const auto placements = vmctl::place(members, domains.fault_domains, domains.update_domains);
        UNDERSTUDY_ASSERT(placements.has_value(),
                          "a checked topology keeps to the limits of availability sets");
        for (const auto& placement : *placements)
            if (placement.machine == machine) return placement.fault_domain;
        return std::nullopt;
    }

    const Topology& topology_;
    topology::HostWorld world_;
    const Accounts& accounts_;
    ShareKeys share_keys_;
};

}  // namespace

std::string audit_path(const std::string& node) {
    return config_path("audit-" + node);
}

std::vector<HostPlan> plan_hosts(const Topology& topology, topology::HostWorld world,
                                 const Accounts& accounts) {
    return Planner(topology, world, accounts).plan();
}

}  // namespace understudy::lab
