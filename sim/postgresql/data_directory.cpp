// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/data_directory.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/io/clock.hpp"
#include "sim/postgresql/copy_tree.hpp"

namespace understudy::postgresql {
namespace {

namespace fs = std::filesystem;

constexpr Duration end_limit = 5s;
constexpr int look_period_ms = 5;
constexpr const char* lock_file = "postmaster.pid";
constexpr int line_of_the_state = 8;

Result<void> clear_away(const fs::path& path) {
    std::error_code failure;
    fs::remove_all(path, failure);
    if (failure) return system_error(path.string(), failure.value());
    return {};
}

Result<void> copy_template(const Config& config, const ServerUser& user) {
    const fs::path part = config.data + ".part";
    UNDERSTUDY_CHECK(clear_away(part));
    UNDERSTUDY_CHECK(copy_tree(config.template_directory, part, user.user, user.group));
    if (::rename(part.c_str(), config.data.c_str()) != 0) return system_error(config.data, errno);
    return {};
}

Result<void> make_socket_folder(const Config& config, const ServerUser& user) {
    UNDERSTUDY_CHECK(clear_away(config.sockets));
    if (::mkdir(config.sockets.c_str(), 0700) != 0) return system_error(config.sockets, errno);
    if (::geteuid() == 0 && ::chown(config.sockets.c_str(), user.user, user.group) != 0)
        return system_error(config.sockets, errno);
    return {};
}

std::vector<pid_t> processes_of(const fs::path& program, const fs::path& directory) {
    std::vector<pid_t> found;
    std::error_code ignored;  // processes come and go
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const pid_t pid = std::atoi(entry.path().filename().c_str());
        if (pid > 0 && fs::read_symlink(entry.path() / "exe", ignored) == program &&
            fs::read_symlink(entry.path() / "cwd", ignored) == directory)
            found.push_back(pid);
    }
    return found;
}

}  // namespace

Result<void> prepare_folders(const Config& config, const ServerUser& user) {
    // The folder above may be closed to the server's user.
    const fs::path above = fs::path(config.data).parent_path();
    std::error_code failure;
    fs::permissions(above, fs::perms::group_exec | fs::perms::others_exec, fs::perm_options::add, failure);
    if (failure) return system_error(above.string(), failure.value());
    if (!fs::exists(config.data)) UNDERSTUDY_CHECK(copy_template(config, user));
    UNDERSTUDY_CHECK(clear_away(fs::path(config.data) / lock_file));
    return make_socket_folder(config, user);
}

Result<void> end_processes_of(const fs::path& program, const fs::path& data_directory) {
    std::error_code ignored;  // no directory: nothing works there
    const fs::path directory = fs::weakly_canonical(data_directory, ignored);
    const Instant end = io::monotonic_now() + end_limit;
    for (auto left = processes_of(program, directory); !left.empty();
         left = processes_of(program, directory)) {
        if (io::monotonic_now() >= end)
            return Error(ErrorKind::timeout, program.string(), "runs on after SIGKILL")
                .with_number(left.front());
        for (const pid_t pid : left) ::kill(pid, SIGKILL);
        ::poll(nullptr, 0, look_period_ms);
    }
    return {};
}

bool says_it_is_ready(const fs::path& data_directory) {
    std::ifstream file(data_directory / lock_file);
    std::string line;
    for (int i = 0; i < line_of_the_state; ++i)
        if (!std::getline(file, line)) return false;
    return line.starts_with("ready");
}

}  // namespace understudy::postgresql
