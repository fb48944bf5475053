// SPDX-License-Identifier: Apache-2.0
#include "sim/node/node_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "sim/node/core/network_map.hpp"

namespace understudy::node {
namespace {

constexpr Duration shortest_interval = 50ms;
constexpr Duration longest_interval = 24h;

std::string text_of(config::Mapping& mapping, const char* key) {
    const auto value = mapping.required(key);
    if (!value) return {};
    std::string text = value->text();
    if (text.empty() && value->is_scalar()) value->refuse("is empty");
    if (text.size() > 255) value->refuse("is longer than 255 bytes");
    return text;
}

Endpoint endpoint_of(config::Mapping& mapping, const char* key) {
    const auto value = mapping.required(key);
    return value ? value->endpoint() : Endpoint{};
}

Endpoint listen_of(config::Mapping& root, const char* key) {
    const auto section = root.required(key);
    if (!section) return {};
    config::Mapping mapping = section->mapping();
    const Endpoint listen = endpoint_of(mapping, "listen");
    mapping.refuse_unknown_keys();
    return listen;
}

void read_p2p(config::Mapping& root, NodeConfig& node) {
    const auto section = root.required("p2p");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    if (const auto address = mapping.required("address")) {
        node.p2p_address = address->text();
        const auto parsed = parse_host_port(node.p2p_address);
        if (parsed.has_error())
            address->refuse(fmt::format("'{}' {}", node.p2p_address, parsed.error().reason),
                            "write host:port");
        else if (parsed->host == "0.0.0.0")
            address->refuse("0.0.0.0 can't be advertised: nobody can connect to it",
                            "write the static public address or DNS name that other parties connect to");
    }
    node.p2p_listen = endpoint_of(mapping, "listen");
    mapping.refuse_unknown_keys();
}

void read_mutual_exclusion(config::Mapping& root, NodeConfig& node) {
    node.lease = {20s, 40s};
    const auto section = root.optional("mutual_exclusion");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    if (const auto enabled = mapping.required("enabled")) node.mutual_exclusion = enabled->boolean();
    const auto interval = [&](const char* key, Duration otherwise) {
        const auto value = node.mutual_exclusion ? mapping.required(key) : mapping.optional(key);
        return value ? value->duration(shortest_interval, longest_interval) : otherwise;
    };
    node.lease.update = interval("update_interval", node.lease.update);
    node.lease.wait = interval("wait_interval", node.lease.wait);
    if (const auto wait = mapping.optional("wait_interval"); wait && node.lease.wait <= node.lease.update)
        wait->refuse(fmt::format("{} is not greater than update_interval ({})",
                                 format_duration(node.lease.wait), format_duration(node.lease.update)),
                     fmt::format("use more than {}, such as {}", format_duration(node.lease.update),
                                 format_duration(2 * node.lease.update)));
    mapping.refuse_unknown_keys();
}

}  // namespace

DatabaseAddress read_database(config::Value value, std::string& password_file) {
    DatabaseAddress database;
    config::Mapping mapping = value.mapping();
    database.host = text_of(mapping, "address");
    if (const auto port = mapping.required("port")) database.port = port->port();
    database.name = text_of(mapping, "name");
    database.user = text_of(mapping, "user");
    password_file = text_of(mapping, "password_file");
    mapping.refuse_unknown_keys();
    return database;
}

Result<std::string> read_password(const std::string& path) {
    std::ifstream file(path);
    std::string password;
    if (!file || !std::getline(file, password)) return system_error(path, errno, ErrorKind::environment);
    return password;
}

Result<NodeConfig> load_node_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node tree, config::load_file(path));
    config::Diagnostics diagnostics;
    config::Mapping root = config::Value(tree, "", diagnostics).mapping();
    NodeConfig node;
    std::string password_file;
    node.legal_name = text_of(root, "legal_name");
    node.machine_name = text_of(root, "machine_name");
    node.base_directory = text_of(root, "base_directory");
    if (const auto share = root.optional("share")) node.share = share->text();
    if (const auto database = root.required("database"))
        node.database = read_database(*database, password_file);
    read_p2p(root, node);
    node.rpc_listen = listen_of(root, "rpc");
    node.http_listen = listen_of(root, "http");
    node.network_map = endpoint_of(root, "network_map");
    read_mutual_exclusion(root, node);
    node.share_timeout = std::max<Duration>(node.lease.update, 1s);
    if (const auto timeout = root.optional("share_timeout"))
        node.share_timeout = timeout->duration(100ms, longest_interval);
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    UNDERSTUDY_TRY(node.database.password, read_password(password_file));
    node.database.dead_after = std::clamp<Duration>(node.lease.update, 1s, 10s);
    return node;
}

}  // namespace understudy::node
