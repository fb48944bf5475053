// SPDX-License-Identifier: Apache-2.0
// Runs a golden trace: a text file of commands with, under each, the actions expected of LoadBalancerMachine.
//
//   # words                                     kept as it is
//   hosts a b                                   settings, before the first command
//   probe p2p interval 5s timeout 5s threshold 2
//   rule p2p probe p2p
//   at 5s a/p2p refused                         result of a running probe; text and latency are free:
//   "refused in 0.3ms" at 5s a/p2p ok until 12s                                   on_timeout() at every
//   deadline up to then route 198.51.100.7:40000 p2p                who takes a flow; "not a" leaves hosts
//   out
//     -> …                                      what came of it: written by the run
#pragma once

#include <string>

namespace understudy::lb {

// The trace with what the machine really answers. Malformed commands end the test program with their text.
std::string run_trace(const std::string& text);

}  // namespace understudy::lb
