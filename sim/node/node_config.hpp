// SPDX-License-Identifier: Apache-2.0
// The configuration of `understudy-node run`, read and checked. Mistakes are bad_input errors, a line each
// with file:line:column. The password is read from its file, which belongs to the environment.
#pragma once

#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/config/reader.hpp"
#include "sim/node/core/mutual_exclusion.hpp"
#include "sim/node/database.hpp"

namespace understudy::node {

struct NodeConfig {
    std::string legal_name;
    std::string machine_name;
    std::string base_directory;
    std::optional<std::string> share;  // none: the journal is below base_directory
    DatabaseAddress database;
    std::string p2p_address;  // advertised, "host:port"
    Endpoint p2p_listen;
    Endpoint rpc_listen;
    Endpoint http_listen;
    Endpoint network_map;
    bool mutual_exclusion = false;
    LeaseIntervals lease;
    Duration share_timeout{};

    std::string journal_directory() const { return share.value_or(base_directory) + "/artemis"; }
};

Result<NodeConfig> load_node_config(const std::string& path);

// {address, port, name, user, password_file}
DatabaseAddress read_database(config::Value value, std::string& password_file);
Result<std::string> read_password(const std::string& path);

}  // namespace understudy::node
