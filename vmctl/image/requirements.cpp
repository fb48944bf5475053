// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/requirements.hpp"

#include <pwd.h>
#include <unistd.h>

#include "vmctl/image/accelerator.hpp"
#include "vmctl/image/erofs.hpp"
#include "vmctl/image/kernel_source.hpp"
#include "vmctl/image/programs.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

Requirement met(std::string name, std::string detail) {
    return {std::move(name), true, std::move(detail), {}};
}

Requirement missing(std::string name, const Error& error, std::string remedy) {
    Error bare = error;
    bare.remedy.clear();
    return {std::move(name), false, bare.message(), error.remedy.empty() ? std::move(remedy) : error.remedy};
}

Requirement qemu() {
    const auto found = find_qemu();
    if (found.has_error()) return missing("qemu", found.error(), {});
    return met("qemu", found->string());
}

Requirement libvirt_driver() {
    for (const char* directory : {"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"}) {
        const fs::path module = fs::path(directory) / "libvirt/connection-driver/libvirt_driver_qemu.so";
        if (::access(module.c_str(), R_OK) == 0) return met("libvirt driver", module.string());
    }
    return {"libvirt driver", false, "libvirt_driver_qemu.so is not installed",
            "install the package libvirt-daemon-driver-qemu"};
}

Requirement libvirt_user() {
    if (::getpwnam("libvirt-qemu") != nullptr) return met("libvirt user", "libvirt-qemu");
    return {"libvirt user", false, "the user libvirt-qemu does not exist, which libvirt asks for as root",
            "install the package libvirt-daemon-system"};
}

Requirement guest_kernel(const std::vector<fs::path>& candidates) {
    const auto found = find_kernel(candidates);
    if (found.has_error()) return missing("guest kernel", found.error(), {});
    return met("guest kernel", found->image.string());
}

Requirement file_system_maker() {
    const auto found = find_mkfs_erofs();
    if (found.has_error()) return missing("mkfs.erofs", found.error(), {});
    return met("mkfs.erofs", found->string());
}

Requirement static_busybox(const fs::path& program) {
    const auto libraries = shared_libraries(program);
    const std::string remedy = "install the package busybox-static";
    if (libraries.has_error()) return missing("busybox", libraries.error(), remedy);
    if (!libraries->empty())
        return {"busybox", false, program.string() + " is not statically linked", remedy};
    return met("busybox", program.string());
}

Requirement accelerator(const fs::path& cache_dir) {
    const auto proven = proven_accelerator(cache_dir, default_probe_limit);
    if (proven.has_error()) return missing("accelerator", proven.error(), {});
    return met("accelerator", std::string(to_string(proven->kind)) + " (" + proven->reason + ")");
}

}  // namespace

std::vector<Requirement> vm_requirements(const VmRequirementsInput& input) {
    std::vector<Requirement> list = {qemu(), libvirt_driver()};
    if (::geteuid() == 0) list.push_back(libvirt_user());
    list.push_back(guest_kernel(input.kernel_candidates));
    list.push_back(static_busybox(input.busybox));
    list.push_back(file_system_maker());
    list.push_back(accelerator(input.cache_dir));
    return list;
}

}  // namespace understudy::vmctl
