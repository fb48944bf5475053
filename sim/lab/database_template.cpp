// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/database_template.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "sim/lab/postgresql_configs.hpp"
#include "sim/postgresql/copy_tree.hpp"
#include "sim/postgresql/server_user.hpp"
#include "vmctl/image/cache.hpp"
#include "vmctl/image/files.hpp"
#include "vmctl/image/subprocess.hpp"
#include "vmctl/network/core/error_line.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::lab {
namespace {

namespace fs = std::filesystem;

// Part of every key: raise it when the same programs come to make another template.
constexpr const char* format_version = "understudy postgresql template 1";
constexpr Duration initdb_limit = 60s;

// The locale C sorts by bytes and is the same everywhere. Segments of 1 MB rather than 16 leave less to copy.
std::vector<std::string> initdb_options() {
    return {fmt::format("--username={}", postgresql_superuser),
            "--encoding=UTF8",
            "--locale=C",
            "--auth=reject",  // the region's own pg_hba.conf takes its place
            "--wal-segsize=1",
            "--no-sync",
            "--no-instructions"};
}

Result<std::string> hash_of(const postgresql::Installation& installation) {
    vmctl::ContentHash hash;
    hash.add(format_version);
    for (const std::string& option : initdb_options()) hash.add(option);
    std::vector<fs::path> files{installation.programs / "initdb", installation.programs / "postgres"};
    std::error_code failure;
    const fs::path share = fmt::format("/usr/share/postgresql/{}", installation.version);
    for (fs::directory_iterator entry(share, failure), end; !failure && entry != end;
         entry.increment(failure))
        if (entry->is_regular_file()) files.push_back(entry->path());
    if (failure) return system_error(share.string(), failure.value(), ErrorKind::environment);
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        UNDERSTUDY_TRY(const std::string content, vmctl::read_whole_file(file));
        hash.add(file.string());
        hash.add(content);
    }
    return hash.finish();
}

// initdb wants to know its user by name, and a container's may have none.
Result<void> name_user(const postgresql::ServerUser& user) {
    if (::getpwuid(user.user) != nullptr) return {};
    const char* known = "/etc/passwd";
    const char* with_user = "/run/passwd";
    std::ifstream before(known);
    std::ofstream after(with_user);
    if (before.peek() != std::ifstream::traits_type::eof()) after << before.rdbuf();
    after << fmt::format("understudy:x:{}:{}::/:/usr/sbin/nologin\n", user.user, user.group);
    after.close();
    if (!after) return Error(ErrorKind::failed, with_user, "cannot be written");
    if (::mount(with_user, known, nullptr, MS_BIND, nullptr) != 0)
        return system_error(known, errno, ErrorKind::environment);
    return {};
}

std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

Result<void> run_initdb(const postgresql::Installation& installation, const postgresql::ServerUser& user,
                        const fs::path& data) {
    if (::mkdir(data.c_str(), 0700) != 0 || ::chown(data.c_str(), user.user, user.group) != 0)
        return system_error(data.string(), errno);
    UNDERSTUDY_CHECK(name_user(user));
    // Or initdb would compare the machine's time zone with all that there are.
    ::setenv("TZ", "UTC", 1);
    std::vector<std::string> command{(installation.programs / "initdb").string(), "-D", data.string()};
    for (std::string& option : initdb_options()) command.push_back(std::move(option));
    UNDERSTUDY_TRY(const auto ran,
                   vmctl::run_program(postgresql::as_server_user(user, command), initdb_limit));
    if (ran.status == 0) return {};
    return Error(ErrorKind::environment, "initdb", last_line(ran.output))
        .with_number(ran.status)
        .with_remedy("install PostgreSQL's server again");
}

// Beside its place first: whoever finds it there finds all of it, on the disk too. Of two makers at once one
// wins.
Result<void> put_into_cache(const fs::path& data, const fs::path& target) {
    std::string part = (target.parent_path() / "tmp-postgresql-XXXXXX").string();
    if (::mkdtemp(part.data()) == nullptr) return system_error(part, errno, ErrorKind::environment);
    const fs::path whole = fs::path(part) / "data";
    auto done = postgresql::copy_tree(data, whole, ::geteuid(), ::getegid());
    const io::UniqueFd disk(::open(part.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (done.has_value() && (!disk.valid() || ::syncfs(disk.get()) != 0)) done = system_error(part, errno);
    if (done.has_value() && ::rename(whole.c_str(), target.c_str()) != 0 && errno != ENOTEMPTY &&
        errno != EEXIST)
        done = system_error(target.string(), errno);
    std::error_code ignored;
    fs::remove_all(part, ignored);
    return done;
}

Result<void> make_in_sandbox(const postgresql::Installation& installation, const fs::path& target) {
    const fs::path data = "/run/postgresql-template";
    UNDERSTUDY_CHECK(run_initdb(installation, postgresql::server_user(), data));
    return put_into_cache(data, target);
}

// The sandbox has a fresh /run in memory, where the server's user may write, and mounts of its own.
Result<void> make_template(const postgresql::Installation& installation, const fs::path& target) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
    const io::UniqueFd reading(ends[0]);
    io::UniqueFd writing(ends[1]);
    vmctl::SandboxOptions sandbox;
    sandbox.keep_paths = {target.parent_path().string()};
    UNDERSTUDY_TRY(const pid_t maker, vmctl::start_sandbox(sandbox, [&]() -> int {
                       const auto made = make_in_sandbox(installation, target);
                       if (made.has_value()) return 0;
                       const std::string line = vmctl::to_error_line(made.error());
                       return ::write(writing.get(), line.data(), line.size()) < 0 ? 2 : 1;
                   }));
    writing.reset();
    std::string said;
    char bytes[4096];
    for (ssize_t count = 0; (count = ::read(reading.get(), bytes, sizeof bytes)) != 0;) {
        if (count < 0 && errno != EINTR) break;
        if (count > 0) said.append(bytes, static_cast<std::size_t>(count));
    }
    int status = 0;
    while (::waitpid(maker, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return vmctl::error_from_line(said);
}

}  // namespace

Result<fs::path> prepare_database_template(const postgresql::Installation& installation,
                                           const fs::path& cache_path) {
    UNDERSTUDY_TRY(const auto cache, vmctl::ImageCache::open(cache_path));
    UNDERSTUDY_TRY(const std::string hash, hash_of(installation));
    const fs::path ready = cache.path("postgresql", hash);
    if (cache.use(ready)) return ready;
    UNDERSTUDY_CHECK(make_template(installation, ready));
    cache.prune();
    return ready;
}

}  // namespace understudy::lab
