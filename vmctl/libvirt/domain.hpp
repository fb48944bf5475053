// SPDX-License-Identifier: Apache-2.0
// A virtual machine as a value, and the libvirt document made from it. Pure: nothing is opened or checked
// against the machine. The machine type and its options are decided in docs/decisions/0002-guest-machine.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "vmctl/image/accelerator_kind.hpp"

namespace understudy::vmctl {

// The virtio-serial port between the supervisor and the host's agent; in the guest
// /sys/class/virtio-ports/*/name holds this name.
constexpr const char* agent_channel_name = "org.understudy.agent";

struct TapInterface {
    std::string
        device;  // a ready-made tap, up, in the network namespace of the process that starts the domain
    std::string mac_address;  // "52:54:00:00:00:01", unicast
};

struct DomainSpec {
    std::string name;  // letters, digits, '-', '_' and '.'; unique within one Hypervisor
    std::uint64_t memory_bytes = 160ull << 20;  // a whole number of KiB
    unsigned vcpus = 1;
    std::string kernel;  // absolute paths
    std::string initrd;
    std::string disk;          // read-only, raw, shared with other domains; may be empty: none
    std::string command_line;  // see guest_command_line()
    AcceleratorKind accelerator = AcceleratorKind::tcg;
    std::optional<TapInterface> interface;
    std::string agent_socket;  // QEMU binds and listens; at most 107 bytes, one connection at a time
    std::string
        console_log;  // what the guest writes to its first serial port; started afresh with the domain
};

// Kernel arguments that the guests boot fastest with and that make a panic end the domain. `extra` is
// appended.
std::string guest_command_line(const std::string& extra = {});

// The domain document, or bad_input naming the field that libvirt or QEMU would refuse.
Result<std::string> domain_xml(const DomainSpec& spec);

}  // namespace understudy::vmctl
