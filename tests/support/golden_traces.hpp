// SPDX-License-Identifier: Apache-2.0
// Golden traces of a state machine: text files of commands with, under each, the actions expected of it as
// lines that begin with "  ->". UNDERSTUDY_REWRITE_TRACES=1 writes what the machine answers into the files;
// read the difference before it is committed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace understudy::test {

// Appends to `out` every line of the trace but the actions, and hands each to `command`, which appends what
// came of it. Empty lines and comments are kept and not handed on.
void replay_trace(const std::string& text, std::string& out,
                  const std::function<void(const std::string& line)>& command);

// Expects of every FOLDER/*.txt, a folder below the source directory, that `run` gives it back as it is, and
// that there are at least `least` of them. Skips the test where UNDERSTUDY_SOURCE_DIR is not set.
void check_golden_traces(const std::string& folder, std::size_t least,
                         const std::function<std::string(const std::string& text)>& run);

}  // namespace understudy::test
