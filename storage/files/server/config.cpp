// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/config.hpp"

#include "base/config/reader.hpp"

namespace understudy::files {
namespace {

std::string absolute(const config::Value& value) {
    std::string path = value.text();
    if (path.empty() || path.front() != '/') value.refuse("must be an absolute path", "write it from /");
    return path;
}

// An address alone is the network of that one.
Ipv4Network network(const config::Value& value) {
    if (value.text().find('/') == std::string::npos) return {value.address(), 32};
    return value.network();
}

}  // namespace

Result<ServerConfig> load_server_config(const std::string& path) {
    UNDERSTUDY_TRY(config::Node document, config::load_file(path));
    config::Diagnostics diagnostics;
    config::Mapping root = config::Value(document, "", diagnostics).mapping();
    ServerConfig server;
    if (auto listen = root.required("listen")) server.listen = listen->endpoint();
    if (auto socket = root.optional("admin_socket")) server.admin_socket = absolute(*socket);
    if (auto exports = root.required("exports")) {
        for (auto& [name, value] : exports->mapping().entries()) {
            ExportConfig share;
            share.name = name;
            config::Mapping members = value.mapping();
            if (auto directory = members.required("path")) share.path = absolute(*directory);
            if (auto quota = members.optional("quota")) share.quota_bytes = quota->bytes();
            if (auto lease = members.optional("client_lease"))
                share.client_lease = lease->duration(200ms, 24h);
            if (auto quiet = members.optional("delegate_after"))
                share.delegate_after = quiet->duration(0s, 24h);
            if (auto losable = members.optional("power_loss")) share.power_loss = losable->boolean();
            if (auto clients = members.optional("clients"))
                for (const config::Value& client : clients->sequence())
                    share.clients.push_back(network(client));
            if (auto key = members.optional("key_file")) share.key_file = absolute(*key);
            members.refuse_unknown_keys();
            while (share.path.size() > 1 && share.path.back() == '/') share.path.pop_back();
            server.exports.push_back(std::move(share));
        }
        if (exports->is_mapping() && server.exports.empty()) exports->refuse("names no export");
    }
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return server;
}

}  // namespace understudy::files
