// SPDX-License-Identifier: Apache-2.0
// What start_pod() and the launcher agree on. The launcher gets, beside stdio and the channel (3), its
// instructions as a JSON document on descriptor 4 and a pipe on 5. On the pipe it writes lines: "pid N" once
// the pod's process 1 exists, an Error line (error_line.hpp) when a step fails. The pipe closes when the
// program has been executed. JSON:
// {"hostname","argv":[…],"environment":["K=V"…],"channel":bool,"binds":[{"source","target","read_only"}…]}
#pragma once

namespace understudy::vmctl {

constexpr int channel_descriptor = 3;
constexpr int instructions_descriptor = 4;
constexpr int report_descriptor = 5;

}  // namespace understudy::vmctl
