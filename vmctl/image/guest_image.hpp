// SPDX-License-Identifier: Apache-2.0
// What guests boot, made from a kernel package, busybox and our own programs, without root and without a
// shell: a kernel; a first root file system, small and in the guest's memory for good; and a disk, read-only
// and shared by all guests, of which a guest's memory only holds what it uses. Kept in a cache by the SHA-256
// of everything that goes in, so an unchanged image costs a few tens of milliseconds. Builders at the same
// time, in one process or several, are safe.
//
// In the guest the disk is mounted at /image, and every file on it has its name in the root file system too,
// as a symbolic link: programs, libraries, modules. So all names are in places that can be written to.
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
    std::filesystem::path first_init;    // understudy-first-init: mounts the disk and becomes `init`
    std::string init;                    // the guest_path of the program that process 1 becomes
    std::filesystem::path busybox;       // statically linked: "/bin/busybox" of busybox-static
    std::filesystem::path cache_dir;     // made if missing
};

struct GuestImage {
    std::filesystem::path
        kernel;  // in cache_dir; an ELF file with a PVH entry, or the bzImage where there is none
    std::filesystem::path initrd;
    std::filesystem::path disk;  // an EROFS file system, the guest's first virtio disk
    std::string kernel_version;
    std::string content_hash;  // of all three together
    bool from_cache = false;   // nothing had to be built
};

// The guest finds the modules to insert in /etc/understudy/disk-modules (virtio over PCI, the disk and its
// file system) and, once that is there, in /etc/understudy/modules (console, network, random numbers, balloon
// and FUSE): one path a line, in the order of insertion. bad_input: init is none of the programs, or a
// program is no ELF file. environment: something isn't installed.
Result<GuestImage> build_guest_image(const GuestImageSpec& spec);

}  // namespace understudy::vmctl
