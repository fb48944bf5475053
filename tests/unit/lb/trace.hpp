// SPDX-License-Identifier: Apache-2.0
// Runs a golden trace: a text file of commands with, under each, the actions expected of LoadBalancerMachine.
//
//   # words                                     kept as it is
//   hosts a b disabled                          settings, before the first command; here b is disabled
//   probe p2p interval 5s timeout 5s threshold 2 [probe_threshold] [all_up] [target WORD]
//   rule p2p probe p2p [udp] [source_ip|source_ip_protocol]
//   policy [end_on_backend_down] [end_when_all_down] [5min: the drain timeout]
//   at 5s a/p2p refused in 0.3 ms               result of the running probe; the first word is the outcome:
//                                               ok; refused, reset and 503 are hard failures
//   at 5s stop|start|enable|disable|drain a     what is wanted of a backend
//   at 5s flows a 3                             the answer to how many flows it has
//   at 5s reload                                to the settings written since the first command
//   until 12s                                   on_timeout() at every deadline up to then, as "at" does too
//   route 198.51.100.7:40000 p2p not a          who takes a flow; "not a" leaves hosts out
//     -> …                                      what came of it: written by the run
#pragma once

#include <string>

namespace understudy::lb {

// The trace with what the machine really answers. Malformed commands end the test program with their text.
std::string run_trace(const std::string& text);

}  // namespace understudy::lb
