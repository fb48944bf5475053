// SPDX-License-Identifier: Apache-2.0
// Whether the user asked this program to stop (SIGINT, SIGTERM, SIGHUP): for blocking loops that clean up
// before they end. catch_interrupts() once, at start; interrupted() from any thread. The second signal ends
// the program at once.
#pragma once

namespace understudy::io {

void catch_interrupts();
bool interrupted();

}  // namespace understudy::io
