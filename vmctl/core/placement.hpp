// SPDX-License-Identifier: Apache-2.0
// Where an availability set puts its machines: machine i, counted in the order of creation, gets fault domain
// i mod fault_domains and update domain i mod update_domains, so that with 5 update domains the sixth machine
// shares the first's. A fault domain fails as one (power and switch), an update domain is maintained as one.
// Pure. Rule and limits: the cloud's availability-set documentation: at most 3 fault and 20 update domains.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace understudy::vmctl {

constexpr int most_fault_domains = 3;
constexpr int most_update_domains = 20;

struct Placement {
    std::string machine;
    int fault_domain = 0;
    int update_domain = 0;
    bool operator==(const Placement&) const = default;
};

// bad_input when a count is outside its limits, with the limit.
Result<std::vector<Placement>> place(const std::vector<std::string>& machines, int fault_domains,
                                     int update_domains);

// The machines of one domain, in the order of creation.
std::vector<std::string> in_fault_domain(const std::vector<Placement>& placements, int fault_domain);
std::vector<std::string> in_update_domain(const std::vector<Placement>& placements, int update_domain);

}  // namespace understudy::vmctl
