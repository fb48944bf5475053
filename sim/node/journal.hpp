// SPDX-License-Identifier: Apache-2.0
// The message journal on the share: DIR/journal, an append-only file of records (core/journal_codec.hpp).
// open() reads what is there, rewrites it without what is settled, and tells what is unfinished. append() is
// durable when it returns; several records handed over at once share one fdatasync. The file is rewritten
// when it has grown past max_bytes. Blocking, on a Worker's thread; only the owner of the journal lock opens
// it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "sim/node/core/journal_codec.hpp"

namespace understudy::node {

class Journal {
  public:
    static Result<Journal> open(std::string directory, std::size_t max_bytes = 16u << 20);

    Result<void> append(const std::vector<JournalRecord>& records, bool durable);
    std::vector<Payment> unfinished() const { return unfinished_payments(live_); }
    bool was_torn() const { return torn_; }

  private:
    Journal(std::string directory, std::size_t max_bytes)
        : directory_(std::move(directory)), max_bytes_(max_bytes) {}
    std::string path() const { return directory_ + "/journal"; }
    Result<void> rewrite(const std::vector<Payment>& unfinished);

    std::string directory_;
    std::size_t max_bytes_;
    io::UniqueFd fd_;
    std::size_t size_ = 0;
    std::size_t size_after_rewrite_ = 0;
    bool torn_ = false;
    std::vector<JournalRecord> live_;  // since the last rewrite
};

}  // namespace understudy::node
