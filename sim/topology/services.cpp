// SPDX-License-Identifier: Apache-2.0
// File services, databases and the network map.
#include <fmt/format.h>

#include "sim/topology/queries.hpp"
#include "sim/topology/reading.hpp"
#include "storage/files/core/on_loss.hpp"

namespace understudy::topology {
namespace {

void read_file_services(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("file_services");
    if (!section) return;
    config::Mapping services = section->mapping();
    for (const auto& [name, value] : services.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        config::Mapping mapping = value.mapping();
        FileService service;
        if (const auto address = mapping.required("address"))
            service.address = reading.claim(*address, "file service " + name, NetworkRole::public_network)
                                  .value_or(Ipv4Address{});
        if (const auto port = mapping.optional("port")) service.port = port->port();
        service.quota_bytes = 1024 * mebibyte;
        if (const auto quota = mapping.optional("quota")) {
            service.quota_bytes = quota->bytes();
            if (quota->is_scalar() && service.quota_bytes < mebibyte)
                quota->refuse(fmt::format("'{}' is less than 1MiB", quota->text()));
        }
        service.client_lease = 30s;
        if (const auto lease = mapping.optional("client_lease"))
            service.client_lease = lease->duration(100ms, 1h);
        if (const auto losable = mapping.optional("power_loss")) service.power_loss = losable->boolean();
        if (const auto key = mapping.optional("key")) service.asks_for_key = key->boolean();
        if (const auto clients = mapping.optional("clients"))
            for (const config::Value& client : clients->sequence()) {
                const bool alone = client.is_scalar() && client.text().find('/') == std::string::npos;
                service.clients.push_back(alone ? Ipv4Network{client.address(), 32} : client.network());
            }
        if (const auto on_loss = mapping.optional("on_loss")) {
            service.on_loss = on_loss->text();
            if (const auto parsed = files::parse_on_loss(service.on_loss); parsed.has_error())
                on_loss->refuse(fmt::format("{}: {}", parsed.error().subject, parsed.error().reason),
                                parsed.error().remedy);
        }
        mapping.refuse_unknown_keys();
        reading.topology.file_services[name] = service;
    }
}

void read_databases(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("databases");
    if (!section) return;
    config::Mapping databases = section->mapping();
    for (const auto& [name, value] : databases.entries()) {
        check_label(value, name);
        reading.host_places.emplace_back(name, value);
        config::Mapping mapping = value.mapping();
        Database database;
        if (const auto address = mapping.required("address"))
            database.address = reading.claim(*address, "database " + name, NetworkRole::public_network)
                                   .value_or(Ipv4Address{});
        if (const auto port = mapping.optional("port")) database.port = port->port();
        if (const auto engine = mapping.optional("engine"))
            database.engine = static_cast<DatabaseEngine>(engine->choice({"sqlite", "postgresql"}));
        mapping.refuse_unknown_keys();
        reading.topology.databases[name] = database;
    }
}

void read_network_map(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("network_map");
    if (!section) return;
    reading.host_places.emplace_back(network_map_host, *section);
    config::Mapping mapping = section->mapping();
    NetworkMap map;
    if (const auto address = mapping.required("address"))
        map.address =
            reading.claim(*address, "the network map", NetworkRole::public_network).value_or(Ipv4Address{});
    if (const auto port = mapping.optional("port")) map.port = port->port();
    mapping.refuse_unknown_keys();
    reading.topology.network_map = map;
}

}  // namespace

void read_services(Reading& reading, config::Mapping& root) {
    read_file_services(reading, root);
    read_databases(reading, root);
    read_network_map(reading, root);
}

}  // namespace understudy::topology
