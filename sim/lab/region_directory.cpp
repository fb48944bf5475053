// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/region_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace understudy::lab {
namespace {

namespace fs = std::filesystem;

fs::path from_environment(const char* own, const char* xdg, const char* for_root, const char* below_home) {
    if (const char* path = std::getenv(own); path != nullptr && *path != '\0') return path;
    if (::geteuid() == 0) return fs::path(for_root) / "understudy";
    if (const char* path = std::getenv(xdg); path != nullptr && *path != '\0')
        return fs::path(path) / "understudy";
    const char* home = std::getenv("HOME");
    return fs::path(home == nullptr ? "/tmp" : home) / below_home / "understudy";
}

constexpr std::size_t longest_socket_path = 107;

}  // namespace

fs::path state_directory() {
    return fs::absolute(
        from_environment("UNDERSTUDY_STATE_DIR", "XDG_STATE_HOME", "/var/lib", ".local/state"));
}

fs::path cache_directory() {
    return fs::absolute(from_environment("UNDERSTUDY_CACHE_DIR", "XDG_CACHE_HOME", "/var/cache", ".cache"));
}

RegionDirectory::RegionDirectory(const std::string& region_name)
    : name_(region_name), root_(state_directory() / "regions" / region_name) {}

bool RegionDirectory::exists() const {
    std::error_code ignored;
    return fs::is_directory(root_, ignored);
}

bool RegionDirectory::alive() const {
    const io::UniqueFd file(::open((root_ / "lock").c_str(), O_RDWR | O_CLOEXEC));
    return file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

void RegionDirectory::remove() const {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
}

Result<io::UniqueFd> RegionDirectory::create() const {
    if (control_socket().native().size() > longest_socket_path)
        return Error(ErrorKind::environment, control_socket().string(), "is too long for a socket's path")
            .with_number(static_cast<std::int64_t>(control_socket().native().size()))
            .with_remedy("set UNDERSTUDY_STATE_DIR to a shorter path");
    std::error_code failure;
    fs::create_directories(root_, failure);
    if (failure)
        return system_error(root_.string(), failure.value(), ErrorKind::environment)
            .with_remedy("set UNDERSTUDY_STATE_DIR to a folder of your own");
    const std::string lock_path = (root_ / "lock").string();
    io::UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.valid()) return system_error(lock_path, errno, ErrorKind::environment);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return Error(ErrorKind::failed, fmt::format("region {}", name_), "is running already")
            .with_remedy(fmt::format(
                "take it down with 'understudy down --name {0}' or choose another --name", name_));
    for (const auto& left_behind : fs::directory_iterator(root_, failure))
        if (left_behind.path().filename() != "lock") fs::remove_all(left_behind.path(), failure);
    if (::chmod(root_.c_str(), 0700) != 0) return system_error(root_.string(), errno, ErrorKind::environment);
    for (const char* below : {"data", "logs", "channel", "console"}) {
        fs::create_directories(root_ / below, failure);
        if (failure) return system_error((root_ / below).string(), failure.value(), ErrorKind::environment);
    }
    return lock;
}

std::vector<std::string> region_names() {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(state_directory() / "regions", ignored))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::string> only_region() {
    std::vector<std::string> living;
    for (const std::string& name : region_names())
        if (RegionDirectory(name).alive()) living.push_back(name);
    if (living.size() == 1) return living.front();
    if (living.empty())
        return Error(ErrorKind::failed, "region", "none is running")
            .with_remedy("start one with 'understudy up'");
    return Error(ErrorKind::bad_input, "region",
                 fmt::format("several are running: {}", fmt::join(living, ", ")))
        .with_remedy("choose one with --name");
}

}  // namespace understudy::lab
