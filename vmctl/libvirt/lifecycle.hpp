// SPDX-License-Identifier: Apache-2.0
// libvirt's numbers for states and lifecycle events in words.
#pragma once

#include <optional>
#include <string>

#include "vmctl/libvirt/hypervisor.hpp"

namespace understudy::vmctl {

// A virDomainState.
DomainState domain_state(int libvirt_state);

// A virDomainEventType and its detail; nothing for events about definitions, which transient domains have
// none of.
std::optional<LifecycleEvent> lifecycle_event(std::string name, int libvirt_event, int libvirt_detail);

}  // namespace understudy::vmctl
