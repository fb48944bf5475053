// SPDX-License-Identifier: Apache-2.0
// Runs a golden trace: a text file of commands with, under each, the actions expected of SessionMachine.
//
//   # words                                kept as it is
//   restore a#1 [b#1 …] [fence 1000]       what a server before this one left; the first command, if at all
//   at 5s attach a#1[#resume]              a session is named by client and incarnation from then on
//   at 5s heard|reclaimed|end a#1
//   at 5s lock a#1/p F exclusive 0..9      owner p of a#1, file F, bytes 0 to 9
//   at 5s lock … wait T|reclaim            T is the ticket
//   at 5s unlock a#1/p F 0..9
//   at 5s cancel T
//   at 5s fence F | fence                  the number of the file, of the share
//   at 5s set_fence a#1 F 3
//   at 5s write a#1 F
//   until 40s                              on_timeout() at every deadline up to then, as "at" does
//     -> …                                 what came of it: written by the run
#pragma once

#include <string>

namespace understudy::files {

// The trace with what the machine really answers. Malformed commands end the test program with their text.
std::string run_trace(const std::string& text);

}  // namespace understudy::files
