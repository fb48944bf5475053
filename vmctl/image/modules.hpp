// SPDX-License-Identifier: Apache-2.0
// The kernel modules a guest inserts, in the order in which they can be inserted. Dependencies are read from
// the modules themselves (the "depends" entry of .modinfo), since a package that was only unpacked has no
// modules.dep.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "vmctl/image/file_stamps.hpp"
#include "vmctl/image/kernel_source.hpp"

namespace understudy::vmctl {

struct KernelModule {
    std::string name;     // "virtio_net": '-' is written '_'
    std::string content;  // the ELF file, decompressed, made light (see lighten_module)
};

// `wanted` with all they depend on, each before what needs it; those built into the kernel are left out.
// Environment error naming the module that is neither there nor built in.
Result<std::vector<KernelModule>> collect_modules(const KernelSource& kernel,
                                                  const std::vector<std::string>& wanted,
                                                  FileStamps* stamps = nullptr);

// The names in a module's "depends" entry.
std::vector<std::string> module_dependencies(std::string_view module);

// The module without its signature, which costs an emulated guest a check that nothing requires, and with its
// BTF section renamed, so that the kernel doesn't parse its own type information, which a guest's kernel has
// not got (trim_vmlinux).
std::string lighten_module(std::string module);

}  // namespace understudy::vmctl
