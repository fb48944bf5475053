// SPDX-License-Identifier: Apache-2.0
// In which order the requests of one connection begin, so that a client may send several without waiting for
// the answers in between. A request binds a fid when the fid isn't the same afterwards: it makes it, opens it
// or ends it. The rule, for two requests that name one fid:
//   - What comes after one that binds it begins when that one is over.
//   - What comes after one that waits for its turn waits too.
// Others may run at the same time. Limits: the caller's. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/files/core/message.hpp"

namespace understudy::files {

struct NamedFids {
    struct Fid {
        std::uint32_t number = no_fid;  // no_fid: none
        bool bound = false;
    };
    std::array<Fid, 2> fids;
};
NamedFids named_fids(const Body& request);

class FidTurns {
  public:
    // Nothing that names one of these fids runs or waits.
    bool is_idle(const NamedFids& named) const;

    // What runs that names one of them is a single request.
    bool runs_alone(const NamedFids& named) const;

    // True: it begins now. False: it waits, until an end() gives its tag. A tag is free again after end().
    bool begin(std::uint16_t tag, const NamedFids& named);
    // It is over, or given up while it waited; nothing for a tag that neither runs nor waits. Those that
    // begin now, in the order they came.
    std::vector<std::uint16_t> end(std::uint16_t tag);

  private:
    struct Use {
        std::uint32_t running = 0, binding = 0, waiting = 0;
    };
    bool is_free(const NamedFids& named) const;
    void count_running(const NamedFids& named, std::int32_t change);
    void count_waiting(const NamedFids& named, std::int32_t change);
    void run(std::uint16_t tag, const NamedFids& named);

    std::unordered_map<std::uint32_t, Use> uses_;  // of fids that any names
    std::map<std::uint16_t, NamedFids> running_;
    std::list<std::pair<std::uint16_t, NamedFids>> waiting_;  // in the order they came
};

}  // namespace understudy::files
