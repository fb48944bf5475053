// SPDX-License-Identifier: Apache-2.0
// Fencing numbers of one share: every exclusive lock granted takes the next one, over all files. A session
// may say which number its writes to a file carry; from the moment another session is granted an exclusive
// lock on that file, its writes there are refused, for as long as the session lives, whatever it says later.
// (A process that slept through the loss of its lock shares the session with those after it, so a session
// that was overtaken once needs a new one, a new mount.) A number is the file's, not the range's: an
// exclusive lock on any part overtakes. A session's own later locks don't overtake it. Sessions that never
// said a number are not refused.
//
// Numbers never go back: they are given out of reserved blocks of 1000, and a restart goes on after the last
// block. A file's own number is remembered over a restart while a session carries one on it; of other files
// only an upper bound is known then, which is what number() gives. A reclaimed lock keeps its file's number
// where that is known to be its session's. Limits: 1024 files carried a session; 65536 files' numbers, beyond
// them the lowest numbers become part of that bound. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace understudy::files {

constexpr std::uint64_t fence_block = 1000;
constexpr std::size_t max_carried_per_session = 1024;
constexpr std::size_t max_numbered_files = 65536;

enum class FenceSet { carried, overtaken, never_given, too_many, no_session };

class FenceTable {
  public:
    struct File {
        std::uint64_t number = 0;            // of the latest exclusive grant
        std::optional<std::uint64_t> owner;  // the session it was granted to; none: not known any more
        std::uint64_t of_others = 0;         // the latest granted to any other session
        bool operator==(const File&) const = default;
    };
    struct Carried {
        std::uint64_t number = 0;
        bool overtaken = false;  // for good
        bool reported = false;
        bool operator==(const Carried&) const = default;
    };
    using Key = std::pair<std::uint64_t, std::uint64_t>;  // inode, session

    // What a server before this one had reserved and remembered.
    void restore(std::uint64_t reserved, std::map<std::uint64_t, File> files, std::map<Key, Carried> carried);

    // An exclusive lock was granted; its number. Sets `must_keep` when reserved(), carried files or what is
    // carried changed, which has to be durable before the number is told to anyone.
    std::uint64_t granted(std::uint64_t session, std::uint64_t inode, bool reclaimed, bool& must_keep);

    FenceSet set(std::uint64_t session, std::uint64_t inode, std::uint64_t number);
    bool may_write(std::uint64_t session, std::uint64_t inode) const;
    // True the first time for this session and file.
    bool report_refusal(std::uint64_t session, std::uint64_t inode);
    void forget_session(std::uint64_t session);

    std::uint64_t number(std::uint64_t inode) const;  // 0: no exclusive lock was ever granted on it
    std::uint64_t latest() const { return latest_; }  // of the share
    std::uint64_t reserved() const { return reserved_; }
    std::optional<std::uint64_t> carried(std::uint64_t session, std::uint64_t inode) const;
    std::map<std::uint64_t, File> carried_files() const;  // those that some session carries a number on
    const std::map<Key, Carried>& all_carried() const { return carried_; }

  private:
    bool is_carried(std::uint64_t inode) const;
    void make_room();

    std::uint64_t latest_ = 0, reserved_ = 0;
    std::uint64_t bound_ = 0;  // no file that is not in files_ has a number above this
    std::map<std::uint64_t, File> files_;
    std::map<Key, Carried> carried_;
};

}  // namespace understudy::files
