// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/sim/postgresql/scratch_folder.hpp"

#include <stdlib.h>

#include <fstream>
#include <sstream>

namespace understudy::postgresql {

ScratchFolder::ScratchFolder() {
    char pattern[] = "/tmp/understudy-XXXXXX";
    path_ = ::mkdtemp(pattern);
}

ScratchFolder::~ScratchFolder() {
    std::filesystem::remove_all(path_);
}

std::filesystem::path ScratchFolder::write(const std::string& name, const std::string& content,
                                           bool executable) {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
    if (executable) std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
}

std::string content_of(const std::filesystem::path& file) {
    std::ifstream opened(file, std::ios::binary);
    std::ostringstream text;
    text << opened.rdbuf();
    return text.str();
}

}  // namespace understudy::postgresql
