// SPDX-License-Identifier: Apache-2.0
// What a program needs to run in a guest: itself, its loader, and every shared library, each under the path
// where the loader looks for it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.hpp"

namespace understudy::vmctl {

// Path in the guest (relative, as in CpioArchive) to file on this machine: the loader and libraries of
// `program`; empty when it is statically linked. The loader itself is asked (`ld.so --list`), so what it
// finds is what will run. bad_input when `program` is no ELF program; environment, naming the library, when
// one is missing.
Result<std::map<std::string, std::filesystem::path>> shared_libraries(const std::filesystem::path& program);

// The program's bytes without symbols and debugging information where `strip` is installed, else as they are.
Result<std::string> stripped(const std::filesystem::path& program, const std::filesystem::path& scratch_dir);

bool can_strip();

}  // namespace understudy::vmctl
