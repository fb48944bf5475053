// SPDX-License-Identifier: Apache-2.0
// Runs nftables commands in this process. One call is one transaction: all of it is applied or none.
// It acts on the network namespace of the thread that made it, whichever thread calls. Threads: one at a
// time.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"

struct nft_ctx;

namespace understudy::io {

class Nftables {
  public:
    static Result<Nftables> open();

    // Returns what the commands print (of `list`). An Error carries nft's own words; kind environment where
    // the kernel lacks nftables or forbids it.
    Result<std::string> run(const std::string& commands);

    // The same, with what the commands print as a document of JSON (man libnftables-json).
    Result<std::string> run_for_json(const std::string& commands);

  private:
    struct Close {
        void operator()(nft_ctx* context) const;
    };
    explicit Nftables(nft_ctx* context) : context_(context) {}
    std::unique_ptr<nft_ctx, Close> context_;
};

}  // namespace understudy::io
