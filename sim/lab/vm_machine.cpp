// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/vm_machine.hpp"

#include <poll.h>

#include "base/io/clock.hpp"
#include "base/io/unix_socket.hpp"
#include "vmctl/network/core/port_names.hpp"

namespace understudy::lab {
namespace {

// QEMU listens before its processors run, so a connection is there at once; the limit is for a host under
// load.
constexpr Duration connect_limit = 5s;

Result<io::UniqueFd> connect_to_agent(const std::string& path) {
    const Instant end = io::monotonic_now() + connect_limit;
    while (true) {
        auto socket = io::connect_unix(path);
        if (socket.has_value() || socket.error().kind == ErrorKind::environment || io::monotonic_now() >= end)
            return socket;
        ::poll(nullptr, 0, 10);
    }
}

class VmMachine : public Machine {
  public:
    VmMachine(const HostPlan& plan, vmctl::DomainSpec domain, vmctl::Fabric& fabric,
              vmctl::Hypervisor& hypervisor)
        : port_{plan.name, plan.addresses, plan.security_group, plan.floating},
          domain_(std::move(domain)),
          fabric_(fabric),
          hypervisor_(hypervisor) {}

    Result<void> plug_before_start() override {
        UNDERSTUDY_TRY(auto tap, fabric_.add_tap_port(port_));
        domain_.interface =
            vmctl::TapInterface{std::move(tap), vmctl::to_string(vmctl::host_mac(port_.addresses.front()))};
        return {};
    }
    Result<io::UniqueFd> start() override {
        UNDERSTUDY_CHECK(hypervisor_.start(domain_));
        return connect_to_agent(domain_.agent_socket);
    }
    Result<void> plug_after_start() override { return {}; }
    Result<void> unplug() override { return fabric_.remove_port(port_.host); }
    Result<void> stop() override {
        UNDERSTUDY_TRY(const auto state, hypervisor_.state(domain_.name));
        if (state == vmctl::DomainState::absent) return {};
        return hypervisor_.destroy(domain_.name);
    }
    bool resets_in_place() const override { return true; }
    Result<void> reset_in_place() override { return hypervisor_.reset(domain_.name); }
    Result<void> pause() override { return hypervisor_.suspend(domain_.name); }
    Result<void> resume() override { return hypervisor_.resume(domain_.name); }
    io::ProcessMemory memory() const override {
        const auto memory = hypervisor_.memory(domain_.name);
        return memory.has_value() ? *memory : io::ProcessMemory();
    }

  private:
    vmctl::PortSpec port_;
    vmctl::DomainSpec domain_;
    vmctl::Fabric& fabric_;
    vmctl::Hypervisor& hypervisor_;
};

}  // namespace

std::unique_ptr<Machine> make_vm_machine(const HostPlan& plan, const GuestSupport& guest,
                                         const RegionDirectory& directory, vmctl::Fabric& fabric,
                                         vmctl::Hypervisor& hypervisor) {
    vmctl::DomainSpec domain;
    domain.name = plan.name;
    domain.memory_bytes = plan.memory_bytes;
    domain.vcpus = static_cast<unsigned>(plan.vcpus);
    domain.kernel = guest.kernel;
    domain.initrd = guest.initrd;
    domain.disk = guest.disk;
    domain.command_line = guest.command_line;
    domain.accelerator =
        guest.accelerator == "kvm" ? vmctl::AcceleratorKind::kvm : vmctl::AcceleratorKind::tcg;
    domain.agent_socket = (directory.root() / "channel" / plan.name).string();
    domain.console_log = (directory.root() / "console" / (plan.name + ".log")).string();
    return std::make_unique<VmMachine>(plan, std::move(domain), fabric, hypervisor);
}

}  // namespace understudy::lab
