// SPDX-License-Identifier: Apache-2.0
// How often an address may prove a share's key wrongly: 10 times, then not before a minute after the first of
// them. Limit: 1024 addresses; past it all share one count. One thread.
#pragma once

#include <cstdint>
#include <map>

#include "base/address.hpp"
#include "base/time.hpp"

namespace understudy::files {

constexpr std::uint32_t max_wrong_proofs = 10;
constexpr Duration wrong_proofs_window = 60s;
constexpr std::size_t max_counted_addresses = 1024;

class AttachAttempts {
  public:
    bool may_try(Ipv4Address from, Instant now) {
        forget(now);
        const auto found = counted_.find(counted_as(from));
        return found == counted_.end() || found->second.wrong < max_wrong_proofs;
    }
    void wrong(Ipv4Address from, Instant now) {
        forget(now);
        Count& count = counted_.try_emplace(counted_as(from), Count{0, now}).first->second;
        ++count.wrong;
    }

  private:
    struct Count {
        std::uint32_t wrong;
        Instant since;
    };
    Ipv4Address counted_as(Ipv4Address from) const {
        return counted_.contains(from) || counted_.size() < max_counted_addresses ? from : Ipv4Address{};
    }
    void forget(Instant now) {
        std::erase_if(counted_,
                      [now](const auto& it) { return it.second.since + wrong_proofs_window <= now; });
    }
    std::map<Ipv4Address, Count> counted_;
};

}  // namespace understudy::files
