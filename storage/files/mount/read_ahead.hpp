// SPDX-License-Identifier: Apache-2.0
// Data that is asked for before a program reads it, where one reads a file in order and in long pieces, by a
// descriptor that doesn't write: the
// requests for what comes next are on their way while it takes what came. What two hosts do to one file keeps
// its order (docs/decisions/0007): a piece is good for one read of just these bytes, for 20 ms after it was
// asked for, and only if it is whole, so that a file's end is always asked for anew. The caller drops it
// where something may have changed: the pieces of a file when it is written, resized or asked about, all of
// the mount's when a lock was granted or a file opened. A file of which too many pieces were of no use is not
// read ahead any more. Limits: 2 MiB ahead of a reader, 16 MiB of all. One thread (the executor's).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <map>

#include "storage/files/mount/open_file.hpp"

namespace understudy::files {

class ReadAhead {
  public:
    ReadAhead(boost::asio::any_io_executor executor, Link& link) : link_(link), expiry_(executor) {}

    // The request for just these bytes that is on its way or answered; null: there is none that is good.
    RequestPtr take(const OpenFile& file, std::uint64_t offset, std::uint32_t bytes);
    // These bytes are read, and asked for already: asks for what comes next, if it is read in order.
    void read(const OpenFile& file, std::uint64_t offset, std::uint32_t bytes);

    void drop(std::uint64_t number);  // of every descriptor of the file
    void drop_all();
    void closed(const OpenFile& file);

  private:
    struct Piece {
        RequestPtr request;
        std::shared_ptr<bool> abandoned;
        std::uint64_t offset = 0;
        std::uint32_t bytes = 0;
        Instant asked{};
        std::uint64_t connection = 0;
    };
    struct File {
        std::uint64_t number = 0;
        std::uint64_t read_end = 0;      // of the last read
        std::size_t used = 0, lost = 0;  // pieces
        std::deque<Piece> pieces;        // in their order in the file, one after the other
    };
    bool is_good(const Piece& piece) const;
    void drop(File& file);
    void expire_later();

    Link& link_;
    boost::asio::steady_timer expiry_;
    bool expires_ = false;
    std::map<std::uint32_t, File> files_;  // by fid: those that are read in long pieces
    std::size_t bytes_ = 0;                // of all pieces
    std::shared_ptr<ReadAhead*> self_ = std::make_shared<ReadAhead*>(this);
};

}  // namespace understudy::files
