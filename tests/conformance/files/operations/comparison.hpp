// SPDX-License-Identifier: Apache-2.0
// Runs one sequence of operations on the share and on the oracle side by side and tells the first difference.
// After each operation what it touched is compared: type, mode, size, links, content, the listing of the
// folder; after every `whole_each` and at the end, everything. With two clients, what one did in its turn is
// compared as the other sees it, after the first has closed its files (close-to-open). One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "operation.hpp"

namespace understudy::files::testing {

struct Places {
    std::vector<std::string> mounts;  // the share, as each client sees it
    std::string local;
    bool attributes = true;  // compare extended attributes too
};

struct Difference {
    std::size_t index = 0;  // of the operation after which it showed
    std::string what;
    std::string share, oracle;
};

// Calls `next` until it gives nothing or there is a difference. Each run has a tree of its own name.
std::optional<Difference> compare(const Places& places, const std::string& tree,
                                  const std::function<const Operation*()>& next, std::size_t whole_each);

// A part of `operations` that still shows a difference, found by leaving out ever smaller pieces (Zeller's
// ddmin). Gives up at `limit` and returns the shortest found until then.
std::vector<Operation> shorten(const Places& places, std::vector<Operation> operations, Duration limit);

}  // namespace understudy::files::testing
