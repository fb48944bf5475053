// SPDX-License-Identifier: Apache-2.0
// `understudy-node network-map`: the network map as an HTTP service. POST /network-map/publish, GET
// /network-map, GET /network-map/node-info/NAME. With `file` entries outlive the process. Returns the exit
// status.
#pragma once

#include <string>

namespace understudy::node {

int run_network_map(const std::string& config_path);

}  // namespace understudy::node
