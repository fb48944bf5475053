// SPDX-License-Identifier: Apache-2.0
#include "operation.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace understudy::files::testing {

namespace {

struct Weight {
    Kind kind;
    const char* name;
    unsigned weight;
};

constexpr std::array weights = {
    Weight{Kind::mkdir, "mkdir", 4},
    Weight{Kind::rmdir, "rmdir", 2},
    Weight{Kind::unlink, "unlink", 5},
    Weight{Kind::rename, "rename", 6},
    Weight{Kind::link, "link", 3},
    Weight{Kind::symlink, "symlink", 2},
    Weight{Kind::readlink, "readlink", 2},
    Weight{Kind::make_fifo, "make_fifo", 1},
    Weight{Kind::put, "put", 7},
    Weight{Kind::append, "append", 5},
    Weight{Kind::truncate, "truncate", 4},
    Weight{Kind::chmod, "chmod", 3},
    Weight{Kind::utimens, "utimens", 3},
    Weight{Kind::stat, "stat", 3},
    Weight{Kind::list, "list", 3},
    Weight{Kind::set_xattr, "set_xattr", 3},
    Weight{Kind::get_xattr, "get_xattr", 2},
    Weight{Kind::list_xattrs, "list_xattrs", 1},
    Weight{Kind::remove_xattr, "remove_xattr", 1},
    Weight{Kind::open, "open", 8},
    Weight{Kind::close, "close", 4},
    Weight{Kind::read_at, "read_at", 6},
    Weight{Kind::write_at, "write_at", 8},
    Weight{Kind::write_next, "write_next", 5},
    Weight{Kind::truncate_open, "truncate_open", 3},
    Weight{Kind::chmod_open, "chmod_open", 1},
    Weight{Kind::sync, "sync", 1},
    Weight{Kind::data_sync, "data_sync", 1},
    Weight{Kind::stat_open, "stat_open", 3},
    Weight{Kind::map_read, "map_read", 3},
    Weight{Kind::map_write, "map_write", 4},
};

constexpr std::array open_flags = {O_RDONLY,
                                   O_RDWR,
                                   O_WRONLY,
                                   O_RDWR | O_CREAT,
                                   O_RDWR | O_CREAT,
                                   O_WRONLY | O_CREAT | O_TRUNC,
                                   O_RDWR | O_CREAT | O_EXCL,
                                   O_RDWR | O_APPEND,
                                   O_WRONLY | O_CREAT | O_APPEND,
                                   O_RDWR | O_TRUNC,
                                   O_RDONLY | O_DIRECTORY,
                                   O_RDWR | O_NOFOLLOW,
                                   O_RDWR | O_SYNC};

constexpr std::array modes = {0644U, 0600U, 0755U, 0777U, 0444U, 0000U, 01777U, 04755U, 02755U};

std::string below(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

const char* name_of(Kind kind) {
    for (const Weight& weight : weights)
        if (weight.kind == kind) return weight.name;
    return "?";
}

std::string to_string(const Operation& it) {
    std::string text = fmt::format("{} {}", it.client == 0 ? 'a' : 'b', name_of(it.kind));
    if (it.kind >= Kind::open) text += fmt::format(" slot={}", it.slot);
    if (!it.path.empty() || it.kind < Kind::close) text += fmt::format(" \"{}\"", it.path);
    if (!it.other.empty()) text += fmt::format(" \"{}\"", it.other);
    if (it.flags != 0) text += fmt::format(" flags={:#o}", it.flags);
    if (it.mode != 0) text += fmt::format(" mode={:#o}", it.mode);
    if (it.offset != 0) text += fmt::format(" offset={}", it.offset);
    if (it.length != 0) text += fmt::format(" length={}", it.length);
    return text;
}

std::string data_of(std::uint64_t seed, std::uint64_t length) {
    Random random(seed);
    std::string data(length, '\0');
    for (std::uint64_t at = 0; at < length; at += 8) {
        std::uint64_t word = random.next();
        std::copy_n(reinterpret_cast<const char*>(&word), std::min<std::uint64_t>(8, length - at),
                    data.data() + at);
    }
    return data;
}

Kind Generator::kind() {
    unsigned total = 0;
    for (const Weight& weight : weights) total += weight.weight;
    for (;;) {
        std::uint64_t at = random_.below(total);
        auto chosen = weights.begin();
        while (at >= chosen->weight) at -= (chosen++)->weight;
        if (std::find(left_out_.begin(), left_out_.end(), chosen->kind) == left_out_.end())
            return chosen->kind;
    }
}

std::string Generator::name() {
    switch (random_.below(200)) {
        case 0:
            return std::string(255, 'n');
        case 1:
            return std::string(256, 'n');
        case 2:
            return "..";
        case 3:
            return ".";
        case 4:
            return "sp ace\n";
        case 5:
            return "caf\xc3\xa9\xff";
        default:
            return std::string(1, static_cast<char>('a' + random_.below(6)));
    }
}

std::string Generator::some_path() {
    const std::string& directory = directories_[random_.below(directories_.size())];
    std::string last = name();
    if (directory.empty() && last == "..") last = ".";  // above the tree there is nothing to compare
    std::string path = below(directory, last);
    if (random_.chance(0.03)) path += "/";
    return path;
}

std::string Generator::existing_path() {
    if (files_.empty() || random_.chance(0.2)) return some_path();
    if (random_.chance(0.12)) return directories_[random_.below(directories_.size())];
    return files_[random_.below(files_.size())];
}

// Mostly small; sometimes past a page, a message of 64 KiB, a request of 128 KiB; seldom a hole far out.
std::uint64_t Generator::size() {
    switch (random_.below(40)) {
        case 0:
            return random_.below(300'000);
        case 1:
            return 65'536 + random_.below(3) - 1;
        case 2:
            return 0;
        case 3:
        case 4:
        case 5:
            return 4096 * (1 + random_.below(4)) + random_.below(3) - 1;
        default:
            return random_.below(9000);
    }
}

void Generator::remember(const std::string& path) {
    if (path.empty() || path.back() == '/' || path.size() > 600) return;
    if (files_.size() < 40)
        files_.push_back(path);
    else
        files_[random_.below(files_.size())] = path;
}

Operation Generator::next() {
    Operation it;
    if (clients_ > 1 && left_in_turn_ == 0) {
        client_ = 1 - client_;
        left_in_turn_ = 1 + static_cast<int>(random_.below(12));
    }
    --left_in_turn_;
    it.client = client_;
    it.kind = kind();
    it.slot = static_cast<int>(random_.below(slot_count));
    it.seed = random_.next();
    it.mode = modes[random_.below(modes.size())];
    it.offset = random_.chance(0.002) ? 1'000'000 + random_.below(1'000'000) : size();
    it.length = size();
    it.path = existing_path();
    switch (it.kind) {
        case Kind::mkdir:
            it.path = some_path();
            if (it.path.find("..") == std::string::npos &&
                std::count(it.path.begin(), it.path.end(), '/') < 3 && it.path.back() != '/') {
                if (directories_.size() < 12)
                    directories_.push_back(it.path);
                else
                    directories_[1 + random_.below(directories_.size() - 1)] = it.path;
            }
            break;
        case Kind::rmdir:
            it.path = directories_[random_.below(directories_.size())];
            break;
        case Kind::rename:
        case Kind::link:
            it.other = random_.chance(0.5) ? some_path() : existing_path();
            remember(it.other);
            break;
        case Kind::symlink:
            it.other = random_.chance(0.5) ? existing_path() : name();
            if (it.other.empty()) it.other = ".";
            it.path = some_path();
            remember(it.path);
            break;
        case Kind::make_fifo:
            it.path = some_path();
            break;
        case Kind::put:
        case Kind::append:
            if (random_.chance(0.5)) it.path = some_path();
            remember(it.path);
            break;
        case Kind::set_xattr:
            it.flags = static_cast<int>(random_.below(4) == 0 ? 1 + random_.below(2) : 0);
            it.length = random_.chance(0.1) ? 0 : random_.below(300);
            [[fallthrough]];
        case Kind::get_xattr:
        case Kind::remove_xattr:
            it.other = "user." + std::string(1, static_cast<char>('p' + random_.below(4)));
            break;
        case Kind::open:
            it.flags = open_flags[random_.below(open_flags.size())];
            if ((it.flags & O_CREAT) != 0) {
                if (random_.chance(0.5)) it.path = some_path();
                remember(it.path);
            }
            break;
        default:
            break;
    }
    // Those on an open file take no path.
    if (it.kind > Kind::open) it.path.clear();
    return it;
}

}  // namespace understudy::files::testing
