// SPDX-License-Identifier: Apache-2.0
// A file tree that operations are carried out on: the same code for the mounted share and for the local
// folder. What an operation gave comes back as text that must be the same on both: result, errno, data. Open
// files are kept in slots. Opening never blocks on a FIFO. One thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "operation.hpp"

namespace understudy::files::testing {

class Tree {
  public:
    // `roots`: the same folder as each client sees it. `name` of a tree below it, made here and removed with
    // the object; a few levels deep, so that ".." out of it meets the same on both sides.
    Tree(std::vector<std::string> roots, const std::string& name);
    ~Tree();
    Tree(const Tree&) = delete;

    std::string apply(const Operation& operation);

    // Type, mode, size, links and times that were set; of a file its content, of a folder its names.
    std::string look(int client, const std::string& path) const;
    // Everything there is, extended attributes too.
    std::string look_at_all(int client, bool attributes) const;
    void close_all();

  private:
    std::string full(int client, const std::string& path) const;
    std::string on_path(const Operation& operation);
    std::string on_slot(const Operation& operation);
    std::string map(int fd, const Operation& operation);
    void walk(int client, const std::string& path, bool attributes, int depth, std::string& text) const;

    std::vector<io::UniqueFd> roots_;  // the tree, as each client sees it
    std::string top_;                  // as the first client sees it: what is removed
    std::array<io::UniqueFd, slot_count> slots_;
};

}  // namespace understudy::files::testing
