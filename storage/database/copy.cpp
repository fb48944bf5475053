// SPDX-License-Identifier: Apache-2.0
#include "storage/database/copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/io/unique_fd.hpp"
#include "storage/database/sqlite.hpp"

namespace understudy::database {
namespace {

constexpr int busy_limit_ms = 10'000;

Error cannot(const std::string& path, const std::string& what, sqlite3* connection) {
    return Error(
        ErrorKind::environment, path,
        fmt::format("{}: {}", what, connection == nullptr ? "out of memory" : sqlite3_errmsg(connection)));
}

Result<SqliteConnection> open_file(const std::string& path, int flags, const char* vfs) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, vfs);
    SqliteConnection connection(raw);
    if (code != SQLITE_OK) return cannot(path, "cannot open it", raw);
    sqlite3_busy_timeout(raw, busy_limit_ms);
    return connection;
}

Result<void> check_soundness(sqlite3* connection, const std::string& path) {
    std::string verdict;
    sqlite3_exec(
        connection, "PRAGMA quick_check(1)",
        [](void* into, int, char** values, char**) {
            *static_cast<std::string*>(into) = values[0];
            return 0;
        },
        &verdict, nullptr);
    if (verdict == "ok") return {};
    return Error(ErrorKind::bad_input, path,
                 "is no sound database: " + (verdict.empty() ? sqlite3_errmsg(connection) : verdict))
        .with_remedy("use another copy");
}

Result<void> sync_path(const std::string& path, int flags) {
    const io::UniqueFd opened(::open(path.c_str(), flags | O_CLOEXEC));
    if (!opened.valid() || ::fsync(opened.get()) != 0) return system_error(path, errno);
    return {};
}

Result<void> copy_pages(sqlite3* source, const std::string& from, const std::string& to) {
    UNDERSTUDY_TRY(const SqliteConnection target,
                   open_file(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr));
    sqlite3_backup* const backup = sqlite3_backup_init(target.get(), "main", source, "main");
    if (backup == nullptr) return cannot(to, "cannot copy into it", target.get());
    // All pages in one step: one snapshot, however much is written meanwhile.
    int code = sqlite3_backup_step(backup, -1);
    const int finished = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE) code = finished;
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return Error(ErrorKind::bad_input, from, sqlite3_errstr(code)).with_remedy("use another copy");
    if (code != SQLITE_OK)
        return Error(ErrorKind::environment, to, fmt::format("copying {}: {}", from, sqlite3_errstr(code)));
    return check_soundness(target.get(), from);
}

}  // namespace

Result<void> copy_database(const std::string& from, const std::string& to) {
    for (const char* suffix : {"", "-wal", "-journal"})
        if (std::error_code ignored; std::filesystem::exists(to + suffix, ignored))
            return Error(ErrorKind::bad_input, to + suffix, "is there already")
                .with_remedy("name a file that isn't, or move it away");
    if (std::error_code ignored; !std::filesystem::exists(from, ignored))
        return Error(ErrorKind::bad_input, from, "isn't there").with_remedy("name a database file");
    UNDERSTUDY_TRY(const SqliteConnection source, open_file(from, SQLITE_OPEN_READWRITE, own_file_vfs()));
    const std::string partial = fmt::format("{}.partial-{}", to, ::getpid());
    // Made here, for its owner alone: SQLite would make it with the mode that the umask leaves.
    const io::UniqueFd made(::open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made.valid()) return system_error(partial, errno);
    Result<void> done = copy_pages(source.get(), from, partial);
    if (done.has_value()) done = sync_path(partial, O_RDONLY);
    // A link, unlike a rename, replaces nothing that has come meanwhile.
    if (done.has_value() && ::link(partial.c_str(), to.c_str()) != 0) done = system_error(to, errno);
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((partial + suffix).c_str());
    UNDERSTUDY_CHECK(done);
    const std::string folder = std::filesystem::path(to).parent_path().string();
    return sync_path(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace understudy::database
