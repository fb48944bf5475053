// SPDX-License-Identifier: Apache-2.0
// The words with which a daemon's administration is told what to do, such as a fault: KEY=VALUE on its
// command line, a JSON object whose members are all text on its socket. Errors: kind bad_input.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::io {

using AdminWords = std::map<std::string, std::string>;

Result<AdminWords> admin_words(const std::string& body);

// Takes the word out; empty where it is not there.
std::string take_word(AdminWords& words, const std::string& key);

// {"kind": KIND, KEY: VALUE, …} of `fault KIND [KEY=VALUE]...`.
Result<std::string> admin_fault_body(const std::vector<std::string>& words);

}  // namespace understudy::io
