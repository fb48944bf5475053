// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/files/workload.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/io/clock.hpp"
#include "base/io/unique_fd.hpp"
#include "base/random.hpp"

namespace understudy::bench {
namespace {

constexpr Duration measure_files_for = 500ms;
constexpr std::size_t mebibyte = 1 << 20;
constexpr std::size_t block_bytes = 4096;
constexpr std::size_t small_file_bytes = 512;

double seconds_since(Instant began) {
    return to_milliseconds(io::monotonic_now() - began) / 1000;
}

std::string big(const Place& place) {
    return place.folder + "/sequential";
}
std::string small(const Place& place, int number) {
    return fmt::format("{}/small/{:05}", place.folder, number);
}
std::uint64_t blocks(const Place& place) {
    return static_cast<std::uint64_t>(place.megabytes) * (mebibyte / block_bytes);
}

// Every block once before any twice, far from the one before.
std::uint64_t scattered(std::uint64_t number, const Place& place) {
    constexpr std::uint64_t stride = 7919;  // a prime: shares no factor with a power of two times megabytes
    return number * stride % blocks(place);
}

// Begins at a page, as the buffers of what moves much data do: FUSE takes one that doesn't in two requests.
class Buffer {
  public:
    explicit Buffer(std::size_t size)
        : bytes_(static_cast<char*>(std::aligned_alloc(block_bytes, size))), size_(size) {
        Random random(0x5eed);
        for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
            const std::uint64_t word = random.next();
            std::memcpy(bytes_.get() + at, &word, sizeof(word));
        }
    }
    char* data() { return bytes_.get(); }
    std::size_t size() const { return size_; }

    // Marks the blocks in it, the first of which is `block`.
    void mark(std::uint64_t block) {
        for (std::size_t at = 0; at < size_; at += block_bytes, ++block)
            std::memcpy(bytes_.get() + at, &block, sizeof(block));
    }
    Result<void> check(std::uint64_t block) const {
        for (std::size_t at = 0; at < size_; at += block_bytes, ++block)
            if (std::memcmp(bytes_.get() + at, &block, sizeof(block)) != 0)
                return Error(ErrorKind::failed, fmt::format("block {}", block), "is not what was written");
        return {};
    }

  private:
    struct Free {
        void operator()(char* bytes) const { std::free(bytes); }
    };
    std::unique_ptr<char, Free> bytes_;
    std::size_t size_;
};

Result<io::UniqueFd> open(const std::string& path, int flags) {
    io::UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
    if (!file.valid()) return system_error(path, errno);
    return file;
}

// What the system call has left over or refused.
Result<void> whole(const std::string& what, ssize_t done, std::size_t wanted) {
    if (done == static_cast<ssize_t>(wanted)) return {};
    if (done < 0) return system_error(what, errno);
    return Error(ErrorKind::failed, what, fmt::format("{} of {} bytes", done, wanted));
}

Result<void> succeeded(const std::string& what, int result) {
    if (result != 0) return system_error(what, errno);
    return {};
}

Result<void> close(io::UniqueFd& file) {
    return succeeded("close", ::close(file.release()));
}

Result<io::UniqueFd> open_without_cache(const std::string& path, int flags) {
    UNDERSTUDY_TRY(auto file, open(path, flags));
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    return file;
}

Result<double> sequential_write(const Place& place) {
    ::unlink(big(place).c_str());
    Buffer bytes(mebibyte);
    const Instant began = io::monotonic_now();
    UNDERSTUDY_TRY(auto file, open(big(place), O_WRONLY | O_CREAT | O_EXCL));
    for (int number = 0; number < place.megabytes; ++number) {
        bytes.mark(static_cast<std::uint64_t>(number) * (mebibyte / block_bytes));
        UNDERSTUDY_CHECK(whole("write", ::write(file.get(), bytes.data(), bytes.size()), bytes.size()));
    }
    UNDERSTUDY_CHECK(succeeded("fsync", ::fsync(file.get())));
    UNDERSTUDY_CHECK(close(file));
    return place.megabytes / seconds_since(began);
}

Result<void> need_big_file(const Place& place) {
    struct stat status = {};
    if (::stat(big(place).c_str(), &status) == 0) return {};
    UNDERSTUDY_CHECK(sequential_write(place));
    return {};
}

Result<double> sequential_read(const Place& place) {
    UNDERSTUDY_CHECK(need_big_file(place));
    Buffer bytes(mebibyte);
    UNDERSTUDY_CHECK(open_without_cache(big(place), O_RDONLY));
    const Instant began = io::monotonic_now();
    UNDERSTUDY_TRY(auto file, open(big(place), O_RDONLY));
    for (int number = 0; number < place.megabytes; ++number) {
        UNDERSTUDY_CHECK(whole("read", ::read(file.get(), bytes.data(), bytes.size()), bytes.size()));
        UNDERSTUDY_CHECK(bytes.check(static_cast<std::uint64_t>(number) * (mebibyte / block_bytes)));
    }
    UNDERSTUDY_CHECK(close(file));
    return place.megabytes / seconds_since(began);
}

Result<double> random_read(const Place& place) {
    UNDERSTUDY_CHECK(need_big_file(place));
    Buffer bytes(block_bytes);
    UNDERSTUDY_TRY(auto file, open_without_cache(big(place), O_RDONLY));
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM);
    std::uint64_t done = 0;
    const Instant began = io::monotonic_now();
    for (; io::monotonic_now() - began < measure_files_for; ++done) {
        if (done % blocks(place) == 0) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
        const std::uint64_t block = scattered(done, place);
        UNDERSTUDY_CHECK(whole(
            "read", ::pread(file.get(), bytes.data(), block_bytes, static_cast<off_t>(block * block_bytes)),
            block_bytes));
        UNDERSTUDY_CHECK(bytes.check(block));
    }
    UNDERSTUDY_CHECK(close(file));
    return static_cast<double>(done) / seconds_since(began);
}

Result<double> write_blocks(const Place& place, bool sync_each) {
    UNDERSTUDY_CHECK(need_big_file(place));
    Buffer bytes(block_bytes);
    UNDERSTUDY_TRY(auto file, open_without_cache(big(place), O_WRONLY));
    std::uint64_t done = 0;
    const Instant began = io::monotonic_now();
    for (; io::monotonic_now() - began < measure_files_for; ++done) {
        const std::uint64_t block = scattered(done, place);
        bytes.mark(block);
        UNDERSTUDY_CHECK(whole(
            "write", ::pwrite(file.get(), bytes.data(), block_bytes, static_cast<off_t>(block * block_bytes)),
            block_bytes));
        if (sync_each) UNDERSTUDY_CHECK(succeeded("fsync", ::fsync(file.get())));
    }
    UNDERSTUDY_CHECK(close(file));
    return static_cast<double>(done) / seconds_since(began);
}

Result<double> random_write(const Place& place) {
    return write_blocks(place, false);
}
Result<double> random_write_fsync(const Place& place) {
    return write_blocks(place, true);
}

Result<double> create(const Place& place) {
    Buffer bytes(block_bytes);
    UNDERSTUDY_CHECK(succeeded("mkdir", ::mkdir((place.folder + "/small").c_str(), 0755)));
    const Instant began = io::monotonic_now();
    for (int number = 0; number < place.files; ++number) {
        UNDERSTUDY_TRY(auto file, open(small(place, number), O_WRONLY | O_CREAT | O_EXCL));
        UNDERSTUDY_CHECK(
            whole("write", ::write(file.get(), bytes.data(), small_file_bytes), small_file_bytes));
        UNDERSTUDY_CHECK(close(file));
    }
    return place.files / seconds_since(began);
}

Result<void> need_small_files(const Place& place) {
    struct stat status = {};
    if (::stat((place.folder + "/small").c_str(), &status) == 0) return {};
    UNDERSTUDY_CHECK(create(place));
    return {};
}

Result<double> stat_all(const Place& place) {
    UNDERSTUDY_CHECK(need_small_files(place));
    const Instant began = io::monotonic_now();
    for (int number = 0; number < place.files; ++number) {
        struct stat status = {};
        UNDERSTUDY_CHECK(succeeded("stat", ::lstat(small(place, number).c_str(), &status)));
        if (status.st_size != static_cast<off_t>(small_file_bytes))
            return Error(ErrorKind::failed, small(place, number), "has the wrong size")
                .with_number(status.st_size);
    }
    return place.files / seconds_since(began);
}

Result<double> unlink_all(const Place& place) {
    UNDERSTUDY_CHECK(need_small_files(place));
    const Instant began = io::monotonic_now();
    for (int number = 0; number < place.files; ++number)
        UNDERSTUDY_CHECK(succeeded("unlink", ::unlink(small(place, number).c_str())));
    const double rate = place.files / seconds_since(began);
    UNDERSTUDY_CHECK(succeeded("rmdir", ::rmdir((place.folder + "/small").c_str())));
    return rate;
}

int set_lock(int file, short type) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    return ::fcntl(file, F_SETLK, &lock);
}

Result<double> lock_round_trips(const Place& place) {
    UNDERSTUDY_TRY(const auto file, open(place.folder + "/lock", O_RDWR | O_CREAT));
    int done = 0;
    const Instant began = io::monotonic_now();
    for (; io::monotonic_now() - began < measure_files_for; ++done) {
        UNDERSTUDY_CHECK(succeeded("lock", set_lock(file.get(), F_WRLCK)));
        UNDERSTUDY_CHECK(succeeded("unlock", set_lock(file.get(), F_UNLCK)));
    }
    return done / seconds_since(began);
}

}  // namespace

const std::vector<Workload>& workloads() {
    static const std::vector<Workload> all{
        {{"sequential_write", "sequential write, 1 MiB, fsync last", "MiB/s"}, sequential_write},
        {{"sequential_read", "sequential read, 1 MiB", "MiB/s"}, sequential_read},
        {{"random_read", "random read, 4 KiB", "/s"}, random_read},
        {{"random_write", "random write, 4 KiB", "/s"}, random_write},
        {{"random_write_fsync", "random write, 4 KiB, fsync each", "/s"}, random_write_fsync},
        {{"create", "create small files", "/s"}, create},
        {{"stat", "stat small files", "/s"}, stat_all},
        {{"unlink", "unlink small files", "/s"}, unlink_all},
        {{"lock", "lock and unlock", "/s"}, lock_round_trips}};
    return all;
}

Result<void> locks_exclude_hosts(const Place& place) {
    UNDERSTUDY_TRY(const auto held, open(place.folder + "/lock", O_RDWR | O_CREAT));
    if (set_lock(held.get(), F_WRLCK) != 0) return system_error("lock", errno);
    UNDERSTUDY_TRY(const auto other, open(place.other_folder + "/lock", O_RDWR));
    if (set_lock(other.get(), F_WRLCK) == 0)
        return Error(ErrorKind::failed, "two hosts", "were both given the same lock");
    if (errno != EAGAIN && errno != EACCES) return system_error("lock on a second host", errno);
    return {};
}

Result<void> clear(const Place& place) {
    struct stat status = {};
    if (::stat((place.folder + "/small").c_str(), &status) == 0) UNDERSTUDY_CHECK(unlink_all(place));
    for (const std::string& path : {big(place), place.folder + "/lock"})
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(path, errno);
    return {};
}

}  // namespace understudy::bench
