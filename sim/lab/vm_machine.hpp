// SPDX-License-Identifier: Apache-2.0
// A host carried by a libvirt domain.
#pragma once

#include <memory>
#include <string>

#include "sim/lab/machine.hpp"
#include "sim/lab/plan.hpp"
#include "sim/lab/supervisor.hpp"
#include "vmctl/libvirt/hypervisor.hpp"
#include "vmctl/network/fabric.hpp"

namespace understudy::lab {

// Fabric and hypervisor outlive the machine.
std::unique_ptr<Machine> make_vm_machine(const HostPlan& plan, const GuestSupport& guest,
                                         const RegionDirectory& directory, vmctl::Fabric& fabric,
                                         vmctl::Hypervisor& hypervisor);

}  // namespace understudy::lab
