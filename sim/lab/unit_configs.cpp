// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/unit_configs.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/json.hpp"
#include "sim/topology/queries.hpp"

namespace understudy::lab {
namespace {

using topology::Topology;

std::string exact(Duration duration) {
    return fmt::format("{}ns", duration.count());
}

std::string random_password() {
    unsigned char bytes[18];
    UNDERSTUDY_ASSERT(RAND_bytes(bytes, sizeof(bytes)) == 1, "the machine has randomness to give");
    std::string text;
    for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

std::string any_address(std::uint16_t port) {
    return fmt::format("0.0.0.0:{}", port);
}

// A node's database as its clients reach it: the service's address, or its own host's loopback.
json::object database_access(const Topology& topology, const std::string& node, const Account& account) {
    const std::string& database = topology.nodes.at(node).database;
    std::string address = "127.0.0.1";
    std::uint16_t port = 5432;
    if (!database.empty()) {
        address = to_string(topology.databases.at(database).address);
        port = topology.databases.at(database).port;
    }
    return {{"address", address},
            {"port", port},
            {"name", vault_database},
            {"user", account.user},
            {"password_file", password_file(account)}};
}

}  // namespace

Accounts make_accounts(const Topology& topology) {
    Accounts accounts;
    for (const auto& [name, node] : topology.nodes) {
        std::string user = name;
        std::replace(user.begin(), user.end(), '-', '_');
        accounts[name] = {user, random_password()};
    }
    return accounts;
}

std::string config_path(const std::string& unit) {
    return fmt::format("{}/{}.json", inside::configuration, unit);
}

std::string password_file(const Account& account) {
    return fmt::format("{}/passwords/{}", inside::configuration, account.user);
}

namespace {

constexpr const char* threshold_modes[] = {"unhealthy_threshold", "probe_threshold"};
constexpr const char* no_healthy_words[] = {"all_down", "all_up"};
constexpr const char* distributions[] = {"five_tuple", "source_ip", "source_ip_protocol"};

void add_passthrough_rules(json::object& config, const Topology& topology,
                           const topology::LoadBalancer& balancer) {
    json::array inbound;
    for (const auto& rule : balancer.inbound_nat_rules)
        inbound.push_back(json::object{{"name", rule.name},
                                       {"protocol", topology::to_string(rule.protocol)},
                                       {"frontend_port", rule.frontend_port},
                                       {"host", rule.machine},
                                       {"backend_port", rule.backend_port},
                                       {"idle_timeout", exact(rule.idle_timeout)},
                                       {"tcp_reset", rule.tcp_reset}});
    if (!inbound.empty()) config["inbound_nat_rules"] = std::move(inbound);
    if (balancer.outbound)
        config["outbound"] =
            json::object{{"ports_per_backend", balancer.outbound->ports_per_backend},
                         {"idle_timeout", exact(balancer.outbound->idle_timeout)},
                         {"tcp_reset", balancer.outbound->tcp_reset},
                         {"inside", json::array{json::value(to_string(topology.network.virtual_network))}}};
}

}  // namespace

std::string balancer_config(const Topology& topology, const std::string& name) {
    const auto& balancer = topology.load_balancers.at(name);
    json::array backends, rules;
    for (const std::string& host : balancer.backend_pool)
        backends.push_back(
            json::object{{"host", host}, {"address", to_string(topology.find_machine(host)->address)}});
    json::object probes;
    for (const auto& [probe_name, probe] : balancer.probes) {
        json::object entry{
            {"protocol", topology::to_string(probe.protocol)},
            {"port", probe.port},
            {"interval", exact(probe.interval)},
            {"timeout", exact(probe.timeout)},
            {"threshold", probe.threshold},
            {"threshold_mode", threshold_modes[static_cast<int>(probe.threshold_mode)]},
            {"no_healthy_backends", no_healthy_words[static_cast<int>(probe.no_healthy_backends)]}};
        if (probe.protocol != topology::ProbeProtocol::tcp) entry["path"] = probe.path;
        probes[probe_name] = std::move(entry);
    }
    for (const auto& rule : balancer.rules) {
        json::object entry{{"name", rule.name},
                           {"protocol", topology::to_string(rule.protocol)},
                           {"probe", rule.probe},
                           {"distribution", distributions[static_cast<int>(rule.distribution)]},
                           {"idle_timeout", exact(rule.idle_timeout)},
                           {"tcp_reset", rule.tcp_reset},
                           {"floating_ip", rule.floating_ip}};
        if (rule.protocol != topology::Transport::all) {
            entry["frontend_port"] = rule.frontend_port;
            entry["backend_port"] = rule.backend_port;
        }
        rules.push_back(std::move(entry));
    }
    json::object config{{"name", name},
                        {"sku", balancer.sku == topology::Sku::basic ? "basic" : "standard"},
                        {"frontend", json::object{{"address", to_string(balancer.frontend_address)}}},
                        {"probe_source", to_string(topology.network.probe_source)},
                        {"admin_socket", inside::balancer_socket},
                        {"backends", std::move(backends)},
                        {"probes", std::move(probes)},
                        {"rules", std::move(rules)}};
    if (balancer.data_path == topology::DataPath::passthrough) {
        config["data_path"] = "passthrough";
        config["network_namespace"] = inside::fabric_namespace;
        add_passthrough_rules(config, topology, balancer);
    } else {
        config["data_path"] = "proxy";
    }
    return json::serialize(config);
}

ShareKeys make_share_keys(const Topology& topology) {
    ShareKeys keys;
    for (const auto& [name, service] : topology.file_services)
        if (service.asks_for_key) keys[name] = random_password();
    return keys;
}

std::string share_key_file(const std::string& service) {
    return fmt::format("{}/{}.key", inside::configuration, service);
}

std::string files_config(const Topology& topology, const std::string& name) {
    const auto& service = topology.file_services.at(name);
    json::object share{{"path", fmt::format("{}/export", inside::data)},
                       {"quota", service.quota_bytes},
                       {"client_lease", exact(service.client_lease)},
                       {"power_loss", service.power_loss}};
    if (!service.clients.empty()) {
        json::array clients;
        for (const Ipv4Network& network : service.clients) clients.emplace_back(to_string(network));
        share["clients"] = std::move(clients);
    }
    if (service.asks_for_key) share["key_file"] = share_key_file(name);
    return json::serialize(
        json::object{{"listen", fmt::format("{}:{}", to_string(service.address), service.port)},
                     {"admin_socket", inside::files_socket},
                     {"exports", json::object{{name, std::move(share)}}}});
}

int scram_iterations(const Topology& topology, const std::string& database) {
    constexpr int ours = 16, usual = 4096;
    for (const auto& [name, node] : topology.nodes)
        if (node.database == database && !node.program.empty()) return usual;
    return ours;
}

std::string database_config(const Topology& topology, const std::string& name, const Accounts& accounts) {
    const auto& database = topology.databases.at(name);
    json::object users;
    for (const auto& [node, account] : accounts)
        if (topology.nodes.at(node).database == name)
            users[account.user] = json::object{{"password_file", password_file(account)}};
    return json::serialize(
        json::object{{"listen", fmt::format("{}:{}", to_string(database.address), database.port)},
                     {"file", fmt::format("{}/{}.sqlite", inside::data, name)},
                     {"users", std::move(users)},
                     {"scram_iterations", scram_iterations(topology, name)},
                     {"admin_socket", inside::database_socket},
                     {"power_loss", true},
                     {"idle_in_transaction_timeout", exact(topology::idle_in_transaction_limit(topology))}});
}

std::string private_database_config(const Account& account) {
    return json::serialize(json::object{
        {"listen", "127.0.0.1:5432"},
        {"file", fmt::format("{}/vault.sqlite", inside::data)},
        {"users", json::object{{account.user, json::object{{"password_file", password_file(account)}}}}}});
}

std::string node_config(const Topology& topology, const std::string& name, const std::string& host,
                        const Account& account) {
    const auto& node = topology.nodes.at(name);
    const auto* machine = topology.find_machine(host);
    json::object exclusion{{"enabled", node.mutual_exclusion.enabled}};
    if (node.mutual_exclusion.enabled) {
        exclusion["update_interval"] = exact(node.mutual_exclusion.update_interval);
        exclusion["wait_interval"] = exact(node.mutual_exclusion.wait_interval);
    }
    json::object config{
        {"legal_name", node.legal_name},
        {"machine_name", machine == nullptr ? host : machine->machine_name},
        {"base_directory", "/opt/corda"},
        {"database", database_access(topology, name, account)},
        {"p2p", json::object{{"address", node.p2p_address}, {"listen", any_address(node.p2p_port)}}},
        {"rpc", json::object{{"listen", any_address(node.rpc_port)}}},
        {"http", json::object{{"listen", any_address(node.http_port)}}},
        {"mutual_exclusion", std::move(exclusion)}};
    if (!node.share.empty()) config["share"] = node.share;
    if (topology.network_map)
        config["network_map"] =
            fmt::format("{}:{}", to_string(topology.network_map->address), topology.network_map->port);
    return json::serialize(config);
}

std::string network_map_config(const Topology& topology) {
    return json::serialize(json::object{
        {"listen",
         fmt::format("{}:{}", to_string(topology.network_map->address), topology.network_map->port)},
        {"public_networks", json::array{json::value(to_string(topology.network.public_network))}},
        {"dns_zone", topology.network.dns_zone}});
}

std::string client_config(const Topology& topology, const std::string& name) {
    const auto& client = topology.clients.at(name);
    const auto rpc = topology::rpc_endpoint(topology, client.calls);
    return json::serialize(json::object{{"name", name},
                                        {"rpc", fmt::format("{}:{}", rpc.host, rpc.port)},
                                        {"from", topology.nodes.at(client.calls).legal_name},
                                        {"to", topology.nodes.at(client.pays).legal_name},
                                        {"rate", client.rate_per_second},
                                        {"timeout", exact(client.timeout)},
                                        {"record", fmt::format("{}/attempts.jsonl", inside::data)}});
}

std::string audit_config(const Topology& topology, const std::string& node, const Account& account) {
    return json::serialize(json::object{{"legal_name", topology.nodes.at(node).legal_name},
                                        {"database", database_access(topology, node, account)}});
}

std::string database_host(const Topology& topology, const std::string& node) {
    const std::string& database = topology.nodes.at(node).database;
    return database.empty() ? topology::hosts_of_node(topology, node).front() : database;
}

}  // namespace understudy::lab
