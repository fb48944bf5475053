// SPDX-License-Identifier: Apache-2.0
// The units that a host's agent keeps running: our own programs, mounts of shares, a program of the user's
// own. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/topology/topology.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::lab {

std::string program_path(const char* name);  // of one of ours, inside a host

vmctl::UnitSpec unit(std::string name, std::vector<std::string> argv);

// A program of ours with a configuration of the unit's name.
vmctl::UnitSpec daemon_unit(const std::string& name, const char* executable);

// `key_file` is where the host has the share's key, when the service asks for one.
vmctl::UnitSpec mount_unit(const topology::Topology& topology, const std::string& service,
                           const std::string& host, const std::string& mount_point,
                           const std::optional<std::string>& key_file);

// What the host mounts is there before the unit starts.
void require_mounts(const std::vector<vmctl::UnitSpec>& units, vmctl::UnitSpec& spec);

// understudy-run carries it and reports for it; `name` says what it stands for: a node or a client.
vmctl::UnitSpec program_unit(const topology::Program& program, const char* name, const std::string& host,
                             Ipv4Address address);

}  // namespace understudy::lab
