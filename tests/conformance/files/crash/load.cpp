// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/io/unique_fd.hpp"
#include "base/random.hpp"

namespace understudy::files::testing {

namespace {

std::string record(int worker, std::uint64_t number) {
    Random random(number * 16 + static_cast<std::uint64_t>(worker));
    std::string bytes(record_bytes, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    return bytes;
}

std::string named(const std::string& folder, int worker, const std::string& what) {
    return fmt::format("{}/{}-{}", folder, what, worker);
}

// Only so many renamed files, so that listing stays cheap.
constexpr std::uint64_t kept_files = 50;

class Load {
  public:
    Load(Progress& progress, const std::string& folder, int worker)
        : progress_(progress), folder_(folder), worker_(worker) {}

    int run(const std::atomic<bool>& stop) {
        io::UniqueFd records = open("records", O_RDWR | O_CREAT),
                     log = open("log", O_WRONLY | O_CREAT | O_APPEND);
        if (!records.valid() || !log.valid()) return fail("open");
        for (std::uint64_t i = 0; !stop; ++i) {
            std::string bytes = record(worker_, i);
            if (::pwrite(records.get(), bytes.data(), bytes.size(), static_cast<off_t>(i * record_bytes)) !=
                static_cast<ssize_t>(bytes.size()))
                return fail("write a record");
            ++progress_.step;
            std::string line = fmt::format("{:010}\n", i);
            if (::write(log.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
                return fail("append a line");
            if (::fsync(records.get()) != 0 || ::fdatasync(log.get()) != 0) return fail("fsync");
            ++progress_.step;
            if (!rename_new(i)) return 1;
            progress_.synced = i + 1;
        }
        return 0;
    }

  private:
    io::UniqueFd open(const char* what, int flags) {
        return io::UniqueFd(::open(named(folder_, worker_, what).c_str(), flags | O_CLOEXEC, 0644));
    }

    bool rename_new(std::uint64_t i) {
        std::string final_name = named(folder_, worker_, fmt::format("file{}", i % kept_files));
        std::string text = std::to_string(i);
        io::UniqueFd file = open("new", O_WRONLY | O_CREAT | O_TRUNC);
        if (!file.valid()) return fail("create"), false;
        if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            return fail("write a new file"), false;
        if (::fsync(file.get()) != 0) return fail("fsync a new file"), false;
        if (::rename(named(folder_, worker_, "new").c_str(), final_name.c_str()) != 0)
            return fail("rename"), false;
        ++progress_.step;
        return true;
    }

    int fail(const char* step) {
        std::string text = fmt::format("{}: {}", step, std::strerror(errno));
        std::copy_n(text.data(), std::min(text.size(), sizeof progress_.what - 1), progress_.what);
        progress_.failed = true;
        return 1;
    }

    Progress& progress_;
    std::string folder_;
    int worker_;
};

}  // namespace

int load(Progress& progress, const std::atomic<bool>& stop, const std::string& folder, int worker) {
    return Load(progress, folder, worker).run(stop);
}

Kept check(const std::string& folder, int worker, std::uint64_t synced) {
    Kept kept;
    std::ifstream records(named(folder, worker, "records"), std::ios::binary);
    for (std::uint64_t i = 0; i < synced; ++i) {
        std::string bytes(record_bytes, '\0');
        if (!records.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) ||
            bytes != record(worker, i)) {
            kept.missing = fmt::format("record {} of worker {}", i, worker);
            return kept;
        }
    }
    std::ifstream log(named(folder, worker, "log"));
    std::uint64_t next = 0;
    for (std::string line; std::getline(log, line);) {
        if (line == fmt::format("{:010}", next))
            ++next;
        else if (next > 0 && line == fmt::format("{:010}", next - 1))
            ++kept.repeated_lines;
        else if (next < synced)
            kept.missing = fmt::format("line {} of worker {}: there is \"{}\"", next, worker, line);
    }
    if (next < synced) kept.missing = fmt::format("line {} of worker {}", next, worker);
    for (std::uint64_t i = synced < kept_files ? 0 : synced - kept_files; i < synced; ++i) {
        std::uint64_t found = 0;
        std::ifstream file(named(folder, worker, fmt::format("file{}", i % kept_files)));
        if (!(file >> found) || found < i) kept.missing = fmt::format("file {} of worker {}", i, worker);
    }
    return kept;
}

}  // namespace understudy::files::testing
