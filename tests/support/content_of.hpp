// SPDX-License-Identifier: Apache-2.0
// All that a file holds; empty where there is none.
#pragma once

#include <filesystem>
#include <string>

namespace understudy::test {

std::string content_of(const std::filesystem::path& file);

}  // namespace understudy::test
