// SPDX-License-Identifier: Apache-2.0
// Where a test finds what is tested. CTest names the folders in the environment; a test that was started
// without it ends with an exception that says so.
#pragma once

#include <filesystem>
#include <string>

namespace understudy::test {

std::filesystem::path source_directory();                     // from UNDERSTUDY_SOURCE_DIR
std::filesystem::path program(const std::string& name);       // build/bin/NAME, from UNDERSTUDY_BIN_DIR
std::filesystem::path test_program(const std::string& name);  // build/tests/NAME, beside it

}  // namespace understudy::test
