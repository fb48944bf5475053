// SPDX-License-Identifier: Apache-2.0
// A copy of a database file as it is at one moment, made while clients write: SQLite's online backup, in one
// read transaction, which holds no writer up. The copy appears under its name when it is whole and on the
// disk; what can't be finished leaves nothing.
#pragma once

#include <string>

#include "base/result.hpp"

namespace understudy::database {

// Error kinds: bad_input where `from` is no sound database or `to`, or a log of it, is there already;
// environment where it can't be read or written.
Result<void> copy_database(const std::string& from, const std::string& to);

}  // namespace understudy::database
