// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/lifecycle.hpp"

#include <libvirt/libvirt.h>

namespace understudy::vmctl {
namespace {

const char* stopped_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
            return "shutdown";
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
            return "destroyed";
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
            return "crashed";
        case VIR_DOMAIN_EVENT_STOPPED_SAVED:
            return "saved";
        case VIR_DOMAIN_EVENT_STOPPED_FAILED:
            return "QEMU ended";
        default:
            return "unknown";
    }
}

const char* suspended_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_SUSPENDED_PAUSED:
            return "paused";
        case VIR_DOMAIN_EVENT_SUSPENDED_IOERROR:
            return "I/O error";
        case VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG:
            return "watchdog";
        default:
            return "unknown";
    }
}

}  // namespace

DomainState domain_state(int libvirt_state) {
    switch (libvirt_state) {
        case VIR_DOMAIN_PAUSED:
        case VIR_DOMAIN_PMSUSPENDED:
            return DomainState::paused;
        case VIR_DOMAIN_SHUTDOWN:
            return DomainState::stopping;
        case VIR_DOMAIN_CRASHED:
            return DomainState::crashed;
        case VIR_DOMAIN_NOSTATE:
        case VIR_DOMAIN_SHUTOFF:
            return DomainState::absent;
        default:
            return DomainState::running;
    }
}

std::optional<LifecycleEvent> lifecycle_event(std::string name, int libvirt_event, int libvirt_detail) {
    switch (libvirt_event) {
        case VIR_DOMAIN_EVENT_STARTED:
            return LifecycleEvent{std::move(name), "started", "booted"};
        case VIR_DOMAIN_EVENT_SUSPENDED:
            return LifecycleEvent{std::move(name), "suspended", suspended_reason(libvirt_detail)};
        case VIR_DOMAIN_EVENT_RESUMED:
            return LifecycleEvent{std::move(name), "resumed", "unpaused"};
        case VIR_DOMAIN_EVENT_STOPPED:
            return LifecycleEvent{std::move(name), "stopped", stopped_reason(libvirt_detail)};
        case VIR_DOMAIN_EVENT_CRASHED:
            return LifecycleEvent{std::move(name), "crashed", "panicked"};
        default:
            return std::nullopt;
    }
}

}  // namespace understudy::vmctl
