// SPDX-License-Identifier: Apache-2.0
// The kernel and first root file system that guests boot, made from a kernel package, busybox and our own
// programs, without root and without a shell. Kept in a cache by the SHA-256 of everything that goes in, so
// an unchanged image costs a few tens of milliseconds. Builders at the same time, in one process or several,
// are safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "vmctl/image/kernel_source.hpp"

namespace understudy::vmctl {

struct GuestProgram {
    std::filesystem::path file;  // on this machine; a static or dynamic 64-bit ELF program
    std::string guest_path;      // "/opt/understudy/bin/understudy-agent"
};

struct GuestImageSpec {
    KernelSource kernel;
    std::vector<GuestProgram> programs;  // each with the shared libraries it needs
    std::string init;                    // the guest_path of the program that becomes process 1
    std::filesystem::path busybox;       // statically linked: "/bin/busybox" of busybox-static
    std::filesystem::path cache_dir;     // made if missing
};

struct GuestImage {
    std::filesystem::path
        kernel;  // in cache_dir; an ELF file with a PVH entry, or the bzImage where there is none
    std::filesystem::path initrd;
    std::string kernel_version;
    std::string content_hash;  // of the kernel and the first root file system together
    bool from_cache = false;   // nothing had to be built
};

// The guest finds the modules to insert in /etc/understudy/modules: one path a line, in the order of
// insertion. Among them are virtio over PCI with network, console and random numbers, and FUSE. bad_input:
// init is none of the programs, or a program is no ELF file. environment: something isn't installed.
Result<GuestImage> build_guest_image(const GuestImageSpec& spec);

}  // namespace understudy::vmctl
