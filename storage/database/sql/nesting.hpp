// SPDX-License-Identifier: Apache-2.0
// How deep a statement's syntax tree can be, from its text alone. The grammar's library packs and unpacks
// trees by recursion, so a deep one has to be refused before it is parsed (PostgreSQL: "stack depth limit
// exceeded", 54001).
#pragma once

#include <cstddef>
#include <string_view>

namespace understudy::database {

// At most so many levels: the tokens of the longest way from the statement's begin inwards. Commas and
// semicolons begin anew, because what they part stands side by side. Lexical rules: PostgreSQL manual
// chapter 4.1.
std::size_t nesting_bound(std::string_view sql);

// What a session's thread has stack for: some 4 KiB a level.
constexpr std::size_t max_nesting = 4'000;
constexpr std::size_t session_stack_bytes = 64 * 1024 * 1024;

}  // namespace understudy::database
