// SPDX-License-Identifier: Apache-2.0
// One random operation on a file tree, as a value, and the generator of a sequence of them. A sequence
// depends on its seed alone: never on what an operation did, so that any part of it can be run again by
// itself. Names are few, so that operations meet; a guess of what exists makes most of them succeed. One
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"

namespace understudy::files::testing {

// clang-format off
enum class Kind : std::uint8_t {
    mkdir, rmdir, unlink, rename, link, symlink, readlink, make_fifo,
    put, append, truncate, chmod, utimens, stat, list,
    set_xattr, get_xattr, list_xattrs, remove_xattr,
    open, close, read_at, write_at, write_next, truncate_open, chmod_open, sync, data_sync, stat_open,
    map_read, map_write,
};
// clang-format on
const char* name_of(Kind kind);

struct Operation {
    Kind kind = Kind::stat;
    int client = 0;
    std::string path, other;  // below the tree's root; `other` is a new name, a target, an attribute's name
    int slot = 0;             // which open file
    int flags = 0;            // open's
    unsigned mode = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t seed = 0;  // of the data written
};

std::string to_string(const Operation& operation);
std::string data_of(std::uint64_t seed, std::uint64_t length);

constexpr int slot_count = 8;

class Generator {
  public:
    // Two clients take turns of a few operations.
    Generator(std::uint64_t seed, int clients) : random_(seed), clients_(clients) {}
    Operation next();
    void leave_out(Kind kind) { left_out_.push_back(kind); }

  private:
    Kind kind();
    std::string name();
    std::string some_path();      // maybe there
    std::string existing_path();  // probably there
    std::uint64_t size();
    void remember(const std::string& path);

    Random random_;
    int clients_;
    int client_ = 0;
    int left_in_turn_ = 0;
    std::vector<std::string> directories_{""}, files_;
    std::vector<Kind> left_out_;
};

}  // namespace understudy::files::testing
