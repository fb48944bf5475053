// SPDX-License-Identifier: Apache-2.0
// A host's configuration as the JSON object that the supervisor gives its agent.
#pragma once

#include "base/json.hpp"
#include "vmctl/agent/core/json_members.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

json::object to_json(const HostConfig& config);
HostConfig read_host_config(const MemberReader& reader);

}  // namespace understudy::vmctl
