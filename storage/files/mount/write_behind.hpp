// SPDX-License-Identifier: Apache-2.0
// Writes that were sent and whose answers nobody waits for yet: up to so many bytes of all files together.
// Those of one file go through one fid, which the server serves in order; whoever writes through another
// waits for them first. Who must see them, or must not come before them, waits for them: written() for one
// file, all_written() for all that were sent so far. One that fails is told to `on_error`, with the file's
// number; one that was cut short is continued. A file of which one has failed, and those opened with O_APPEND
// (a write that is repeated after a lost answer would be there twice), O_SYNC, O_DSYNC or O_DIRECT are not
// written behind. One thread (the executor's).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "storage/files/mount/open_file.hpp"
#include "storage/files/mount/signal.hpp"

namespace understudy::files {

class WriteBehind {
  public:
    using OnError = std::function<void(std::uint64_t number, int error)>;
    WriteBehind(boost::asio::any_io_executor executor, Link& link, std::size_t limit_bytes, OnError on_error);

    bool takes(const OpenFile& file) const;
    bool has_room(std::size_t bytes) const { return bytes_ == 0 || bytes_ + bytes <= limit_bytes_; }
    boost::asio::awaitable<void> changed() { return changed_.wait(); }  // there may be more room
    void send(OpenFilePtr file, std::string data, std::uint64_t offset);

    // From now on this file's writes are waited for, each by itself.
    void exclude(std::uint64_t number) { excluded_.insert(number); }

    bool is_any_pending() const { return !pending_.empty(); }
    bool is_pending(std::uint64_t number) const { return files_.contains(number); }
    bool is_pending_elsewhere(const OpenFile& file) const;
    boost::asio::awaitable<void> written(std::uint64_t number);
    boost::asio::awaitable<void> all_written();

  private:
    struct File {
        std::uint32_t fid = no_fid;
        std::set<std::uint64_t> pending;  // in the order they were sent
    };
    boost::asio::awaitable<void> finish(OpenFilePtr file, RequestPtr request, std::size_t bytes,
                                        std::uint64_t offset, std::uint64_t sequence);

    boost::asio::any_io_executor executor_;
    Link& link_;
    const std::size_t limit_bytes_;
    OnError on_error_;
    Signal changed_;
    std::size_t bytes_ = 0;
    std::uint64_t next_ = 0;
    std::map<std::uint64_t, File> files_;  // that have any pending
    std::set<std::uint64_t> pending_;      // of all files
    std::set<std::uint64_t> excluded_;
};

}  // namespace understudy::files
