// SPDX-License-Identifier: Apache-2.0
// What every guest's root file system has beside its programs.
#pragma once

#include "vmctl/image/cpio.hpp"

namespace understudy::vmctl {

// Empty directories to mount on and write in, /dev/console (process 1 gets it before /dev is mounted), the
// users root and nobody, name resolution by /etc/hosts and DNS, and a link in /bin for each busybox applet in
// everyday use. The configuration of a host (its name, resolv.conf, units) comes from its agent later.
void add_skeleton(CpioArchive& archive);

}  // namespace understudy::vmctl
