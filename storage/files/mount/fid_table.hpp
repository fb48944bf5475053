// SPDX-License-Identifier: Apache-2.0
// The fids that a mount holds at its server, each with the path by which it is found again after the
// connection was lost. A path is the names from the share's root joined by '/', empty for the root. Renaming
// and unlinking cost as much as there are fids at or below that path. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/files/core/message.hpp"

namespace understudy::files {

constexpr std::uint32_t root_fid = 0;
// Never in the table: for what is asked while connecting, and the share's delegation.
constexpr std::uint32_t scratch_fid = 0xfffffffe, delegation_fid = 0xfffffffd;

std::string child_path(const std::string& parent, const std::string& name);
std::vector<std::string> names_of(const std::string& path);

class FidTable {
  public:
    struct Fid {
        std::string path;
        Qid qid;
        std::optional<std::uint32_t> open_flags;  // how to open it again
        bool gone = false;                        // unlinked: can't be found by path again
        bool dead = false;                        // lost with a session, or not found again
        bool leaving = false;                     // used by nobody any more; the server is told, or will be
    };

    std::uint32_t free_number();
    // With an empty qid the number is only kept taken, while the server has not yet answered.
    void know(std::uint32_t fid, const std::string& path, const Qid& qid);
    void know_open(std::uint32_t fid, std::uint32_t flags);
    // Nobody uses it any more, but requests on it may be unanswered yet: until erase() it is found again
    // after a reconnection, like any other.
    void leave(std::uint32_t fid);
    void erase(std::uint32_t fid);

    const Fid* find(std::uint32_t fid) const;
    bool is_dead(std::uint32_t fid) const;      // or leaving, or not known at all
    std::string path(std::uint32_t fid) const;  // empty when not known
    Qid qid(std::uint32_t fid) const;
    // One that is open on the file with this number and lives; no_fid when there is none.
    std::uint32_t open_on(std::uint64_t number) const;
    // One that is known by this path, not open, and lives; no_fid when there is none.
    std::uint32_t at(const std::string& path) const;
    std::vector<std::uint32_t> to_be_restored() const;  // all but the root and what is only kept taken

    void died(std::uint32_t fid);
    void open_ones_died();
    void renamed(const std::string& from, const std::string& to);  // whatever is at or below `from`
    void unlinked(const std::string& path);

  private:
    void move(std::uint32_t fid, const std::string& path);
    void unlist(std::uint32_t fid, const std::string& path);

    std::map<std::uint32_t, Fid> fids_;
    std::multimap<std::string, std::uint32_t> by_path_;  // those that are not gone
    std::uint32_t next_ = 1;
};

}  // namespace understudy::files
