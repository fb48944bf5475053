// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/topology.hpp"

namespace understudy::topology {

const VirtualMachine* Topology::find_machine(const std::string& machine) const {
    for (const auto& [machine_name, value] : virtual_machines)
        if (machine_name == machine) return &value;
    return nullptr;
}

const char* to_string(ProbeProtocol protocol) {
    if (protocol == ProbeProtocol::tcp) return "tcp";
    return protocol == ProbeProtocol::http ? "http" : "https";
}

const char* to_string(Transport protocol) {
    if (protocol == Transport::tcp) return "tcp";
    return protocol == Transport::udp ? "udp" : "all";
}

}  // namespace understudy::topology
