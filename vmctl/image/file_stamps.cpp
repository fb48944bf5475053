// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/file_stamps.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

namespace understudy::vmctl {
namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

std::string line_of(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return fmt::format("missing {}\n", path);
    return fmt::format("{} {} {} {} {} {}\n", found.st_dev, found.st_ino, found.st_size,
                       found.st_mtim.tv_sec * nanoseconds_a_second + found.st_mtim.tv_nsec,
                       found.st_ctim.tv_sec * nanoseconds_a_second + found.st_ctim.tv_nsec, path);
}

}  // namespace

void FileStamps::add(const std::filesystem::path& file) {
    text_ += line_of(std::filesystem::absolute(file).string());
}

bool FileStamps::hold(std::string_view text) {
    if (text.empty()) return false;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return false;
        const std::string_view line = text.substr(0, end + 1);
        const std::size_t path =
            line.find('/');  // every path is absolute; what stands before it has no slash
        if (path == std::string_view::npos) return false;
        if (line_of(std::string(line.substr(path, line.size() - path - 1))) != line) return false;
        text.remove_prefix(end + 1);
    }
    return true;
}

}  // namespace understudy::vmctl
