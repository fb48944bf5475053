// SPDX-License-Identifier: Apache-2.0
#include "tests/support/paths.hpp"

#include <cstdlib>
#include <stdexcept>

namespace understudy::test {
namespace {

std::string required_environment(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr)
        throw std::runtime_error(std::string(name) + " is not set; run the test through ctest");
    return value;
}

}  // namespace

std::filesystem::path source_directory() {
    return required_environment("UNDERSTUDY_SOURCE_DIR");
}
std::filesystem::path program(const std::string& name) {
    return std::filesystem::path(required_environment("UNDERSTUDY_BIN_DIR")) / name;
}
std::filesystem::path test_program(const std::string& name) {
    return program(name).parent_path().parent_path() / "tests" / name;
}

}  // namespace understudy::test
