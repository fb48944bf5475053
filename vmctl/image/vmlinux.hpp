// SPDX-License-Identifier: Apache-2.0
// From the kernel image a distribution ships (bzImage: a loader around a compressed ELF file) to what QEMU
// can enter directly by the PVH protocol: the ELF file itself. That spares an emulated guest its
// decompression and BIOS. Rules: Documentation/arch/x86/boot.rst of the Linux kernel; the PVH entry is Xen
// ELF note 18 (PHYS32_ENTRY).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace understudy::vmctl {

// The ELF file in a bzImage. An Error means: boot the bzImage itself.
Result<std::string> extract_vmlinux(std::string_view bzimage);

// The same kernel with only what is loaded: no section table, no zeros at the end of a segment (memory is
// zero when a machine starts, and the kernel clears its .bss itself), no type information (.BTF: a tenth of
// the kernel, of use to BPF programs only). QEMU keeps the file mapped and the guest's copy in memory, so
// both count for every guest. An Error when it is not a 64-bit x86 kernel with a PVH entry.
Result<std::string> trim_vmlinux(std::string_view vmlinux);

}  // namespace understudy::vmctl
