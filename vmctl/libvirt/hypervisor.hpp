// SPDX-License-Identifier: Apache-2.0
// Starts and rules virtual machines through libvirt's embedded QEMU driver (qemu:///embed): no daemon, no
// state outside its root directory. Domains are transient. This object destroys them when it goes; should the
// process die first, they end only if its PID namespace ends with it.
//
// Where it runs: as root (the user libvirt-qemu must exist), or as an ordinary user in a user namespace that
// maps that user to itself and keeps capabilities, with a writable /run and XDG_RUNTIME_DIR set. Limits: one
// at a time in a process, and libvirt must not have been used before a fork. open() also turns transparent
// huge pages off for the process and its children: a guest's memory would be counted in pieces of 2 MiB.
// Time: every call returns within the limit it names; past it the answer is an Error of kind timeout, while
// libvirt may still finish the work. A failed call carries libvirt's own words and number. Threads: any may
// call; calls for different domains run side by side.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/io/process_memory.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "vmctl/libvirt/domain.hpp"

namespace understudy::vmctl {

enum class DomainState { absent, running, paused, stopping, crashed };
const char* to_string(DomainState state);

struct LifecycleEvent {
    std::string name;   // the domain's
    std::string state;  // "started", "suspended", "resumed", "stopped", "crashed"
    std::string
        reason;  // "booted", "paused", "unpaused", "shutdown", "destroyed", "restarted by the guest", …
};

// Called on libvirt's event thread, in order; must return soon and must not call the Hypervisor.
using LifecycleListener = std::function<void(const LifecycleEvent&)>;

struct HypervisorOptions {
    std::filesystem::path root_dir;            // see prepare_root_directory()
    std::filesystem::path capabilities_cache;  // may be empty
    LifecycleListener listener;                // may be empty
    bool validate = false;                     // against libvirt's schema, which only tells our own mistakes
};

class Hypervisor {
  public:
    // Environment error when libvirt or its QEMU driver can't be used. Limit 60 s: QEMU is asked what it can
    // do.
    static Result<std::unique_ptr<Hypervisor>> open(HypervisorOptions options);
    static Result<std::unique_ptr<Hypervisor>> open(const std::filesystem::path& root_dir);

    // Destroys what still runs. Limit 20 s.
    virtual ~Hypervisor() = default;

    // Starts the machine; returns when its processor runs. Limit 40 s.
    virtual Result<void> start(const DomainSpec& spec) = 0;

    virtual Result<void> destroy(const std::string& name) = 0;  // the power is cut. Limit 20 s
    virtual Result<void> reset(const std::string& name) = 0;    // the reset button. Limit 10 s
    virtual Result<void> suspend(const std::string& name) = 0;  // its processors stop. Limit 10 s
    virtual Result<void> resume(const std::string& name) = 0;   // Limit 10 s
    virtual Result<void> shutdown(
        const std::string& name) = 0;  // the power button; the guest may ignore it. Limit 10 s

    // DomainState::absent for a name that doesn't run. Limit 10 s.
    virtual Result<DomainState> state(const std::string& name) = 0;

    // Of the domain's QEMU process. Reads files only.
    virtual Result<pid_t> process_id(const std::string& name) = 0;
    Result<io::ProcessMemory> memory(const std::string& name);
};

}  // namespace understudy::vmctl
