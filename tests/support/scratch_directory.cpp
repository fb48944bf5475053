// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scratch_directory.hpp"

#include <stdlib.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace understudy::test {

namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory(const fs::path& parent) {
    std::string pattern = (parent / "understudy-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), "a folder in " + parent.string());
    path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

fs::path ScratchDirectory::write(const std::string& name, std::string_view content) const {
    const fs::path file = path_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
}

}  // namespace understudy::test
