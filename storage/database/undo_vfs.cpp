// SPDX-License-Identifier: Apache-2.0
#include "storage/database/undo_vfs.hpp"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>
#include <new>

#include "storage/database/sqlite.hpp"

namespace understudy::database {
namespace {

using storage::FileUndo;

constexpr std::uint64_t max_remembered_bytes = 64 << 20;  // of one file

// SQLite allocates szOsFile bytes: this, and SQLite's own file behind it.
struct UndoFile {
    sqlite3_file base{};
    UndoVfs* vfs = nullptr;
    FileUndo* undo = nullptr;  // null: neither the database nor its log
};

sqlite3_file* real_file(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<UndoFile*>(file) + 1);
}

// Calls the method of SQLite's own file, with the same arguments.
template <auto Method, typename... Arguments>
auto forward(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* real = real_file(file);
    return (real->pMethods->*Method)(real, arguments...);
}

// What changes the file: after what it replaces is remembered, and never after the power is lost.
template <typename Remember, typename Change>
int change(sqlite3_file* file, int failure, Remember remember, Change carry_out) {
    auto* self = reinterpret_cast<UndoFile*>(file);
    if (self->undo == nullptr) return carry_out();
    const std::lock_guard lock(self->undo->mutex());
    if (self->vfs->power_lost() || !remember(*self->undo)) return failure;
    const int code = carry_out();
    // As a kernel writes back what has been waiting for too much memory.
    if (self->undo->remembered_bytes() > max_remembered_bytes &&
        forward<&sqlite3_io_methods::xSync>(file, SQLITE_SYNC_NORMAL) == SQLITE_OK)
        self->undo->synced();
    return code;
}

int write_file(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
    return change(
        file, SQLITE_IOERR_WRITE,
        [&](FileUndo& undo) {
            return undo.before_write(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(bytes));
        },
        [&] { return forward<&sqlite3_io_methods::xWrite>(file, data, bytes, offset); });
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    return change(
        file, SQLITE_IOERR_TRUNCATE,
        [&](FileUndo& undo) { return undo.before_resize(static_cast<std::uint64_t>(size)); },
        [&] { return forward<&sqlite3_io_methods::xTruncate>(file, size); });
}

int sync_file(sqlite3_file* file, int flags) {
    auto* self = reinterpret_cast<UndoFile*>(file);
    if (self->undo == nullptr) return forward<&sqlite3_io_methods::xSync>(file, flags);
    // Writes wait for the sync: one that begins beside it is not covered by it.
    const std::lock_guard lock(self->undo->mutex());
    if (self->vfs->power_lost()) return SQLITE_IOERR_FSYNC;
    const int code = forward<&sqlite3_io_methods::xSync>(file, flags);
    if (code == SQLITE_OK) self->undo->synced();
    return code;
}

const sqlite3_io_methods undo_methods = {
    3,
    forward<&sqlite3_io_methods::xClose>,
    forward<&sqlite3_io_methods::xRead, void*, int, sqlite3_int64>,
    write_file,
    truncate_file,
    sync_file,
    forward<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
    forward<&sqlite3_io_methods::xLock, int>,
    forward<&sqlite3_io_methods::xUnlock, int>,
    forward<&sqlite3_io_methods::xCheckReservedLock, int*>,
    forward<&sqlite3_io_methods::xFileControl, int, void*>,
    forward<&sqlite3_io_methods::xSectorSize>,
    forward<&sqlite3_io_methods::xDeviceCharacteristics>,
    forward<&sqlite3_io_methods::xShmMap, int, int, int, void volatile**>,
    forward<&sqlite3_io_methods::xShmLock, int, int, int>,
    forward<&sqlite3_io_methods::xShmBarrier>,
    forward<&sqlite3_io_methods::xShmUnmap, int>,
    forward<&sqlite3_io_methods::xFetch, sqlite3_int64, int, void**>,
    forward<&sqlite3_io_methods::xUnfetch, sqlite3_int64, void*>};

sqlite3_vfs* real_vfs() {
    static sqlite3_vfs* const real = sqlite3_vfs_find(exclusive_vfs_name);
    return real;
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    auto* self = new (file) UndoFile;
    const int code = real_vfs()->xOpen(real_vfs(), name, real_file(file), flags, flags_out);
    if (real_file(file)->pMethods == nullptr) return code;
    self->base.pMethods = &undo_methods;  // so that it is closed, also after a failure
    self->vfs = static_cast<UndoVfs*>(vfs->pAppData);
    if (code != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0 || name == nullptr)
        return code;
    self->undo = self->vfs->undo_of(name);
    return self->undo == nullptr ? SQLITE_CANTOPEN : SQLITE_OK;
}

}  // namespace

Result<UndoVfs*> UndoVfs::install() {
    static UndoVfs layer;
    static sqlite3_vfs vfs;
    if (real_vfs() == nullptr || real_vfs()->iVersion < 3)
        return Error(ErrorKind::environment, "power_loss",
                     "SQLite has no access to files that can be layered")
            .with_remedy("leave power_loss out");
    vfs = *real_vfs();
    vfs.szOsFile = static_cast<int>(sizeof(UndoFile)) + real_vfs()->szOsFile;
    vfs.zName = undo_vfs_name;
    vfs.pNext = nullptr;
    vfs.pAppData = &layer;
    // Everything else is SQLite's own, which expects its own pAppData.
    vfs.xOpen = open_file;
    vfs.xDelete = [](sqlite3_vfs*, const char* name, int sync) {
        return real_vfs()->xDelete(real_vfs(), name, sync);
    };
    vfs.xAccess = [](sqlite3_vfs*, const char* name, int flags, int* outcome) {
        return real_vfs()->xAccess(real_vfs(), name, flags, outcome);
    };
    vfs.xFullPathname = [](sqlite3_vfs*, const char* name, int bytes, char* out) {
        return real_vfs()->xFullPathname(real_vfs(), name, bytes, out);
    };
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        return Error(ErrorKind::environment, "power_loss", "SQLite refuses the layer over its files");
    return &layer;
}

FileUndo* UndoVfs::undo_of(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto known = files_.find(path);
    if (known != files_.end()) return known->second.get();
    const io::UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.valid()) return nullptr;
    auto made = FileUndo::of(file.get());
    if (made.has_error()) return nullptr;
    return (files_[path] = std::move(*made)).get();
}

Result<void> UndoVfs::lose_power(storage::TornWrites torn, std::uint64_t seed) {
    power_lost_ = true;
    storage::LandingChoice choice(torn, seed);
    const std::lock_guard lock(mutex_);
    for (auto& [path, undo] : files_) {
        const std::lock_guard held(undo->mutex());
        UNDERSTUDY_CHECK(undo->roll_back(choice));
    }
    return {};
}

}  // namespace understudy::database
