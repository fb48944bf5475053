// SPDX-License-Identifier: Apache-2.0
// libvirt's own event loop in a thread of its own. libvirt has one loop a process and can't take it back once
// registered, so this is the one object of its kind: it runs from the first need() until the program ends.
#pragma once

#include "base/result.hpp"

namespace understudy::vmctl {

// Registers the loop and starts its thread; later calls only say that it runs. Must come before any
// connection is opened, and in the process that opens it (not before a fork). The thread blocks all signals.
// Any thread may call.
Result<void> need_event_loop();

}  // namespace understudy::vmctl
