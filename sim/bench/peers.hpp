// SPDX-License-Identifier: Apache-2.0
// What benches need of other people's programs: where they are, their configuration files, what they said.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::bench {

// The root below which all of `files` are: `unpacked`, or "" where they are installed. Error, of kind
// environment: `packages` are missing and `remedy` helps.
Result<std::string> root_of_peers(const std::string& unpacked, const std::vector<std::string>& files,
                                  const std::string& packages, const std::string& remedy);

// The folder of shared libraries below a root of peers, for Command::libraries.
std::string libraries_of_peers(const std::string& root);

// Returns the path.
Result<std::string> write_file(const std::string& path, const std::string& text);

// The last line of a log that isn't empty, "said nothing" without one.
std::string last_line(const std::string& log);

}  // namespace understudy::bench
