// SPDX-License-Identifier: Apache-2.0
// A host carried by a pod: a process in namespaces of its own.
#pragma once

#include <memory>

#include "sim/lab/machine.hpp"
#include "sim/lab/plan.hpp"
#include "sim/lab/supervisor.hpp"
#include "vmctl/network/fabric.hpp"

namespace understudy::lab {

// The fabric outlives the machine.
std::unique_ptr<Machine> make_pod_machine(const HostPlan& plan, const SupervisorOptions& options,
                                          vmctl::Fabric& fabric);

}  // namespace understudy::lab
