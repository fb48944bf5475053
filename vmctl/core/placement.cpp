// SPDX-License-Identifier: Apache-2.0
#include "vmctl/core/placement.hpp"

#include <fmt/format.h>

namespace understudy::vmctl {
namespace {

Result<void> check(const char* subject, int count, int most) {
    if (count >= 1 && count <= most) return {};
    return Error(ErrorKind::bad_input, subject, fmt::format("{} is not from 1 to {}", count, most));
}

std::vector<std::string> in_domain(const std::vector<Placement>& placements, int Placement::*domain,
                                   int wanted) {
    std::vector<std::string> machines;
    for (const Placement& placement : placements)
        if (placement.*domain == wanted) machines.push_back(placement.machine);
    return machines;
}

}  // namespace

Result<std::vector<Placement>> place(const std::vector<std::string>& machines, int fault_domains,
                                     int update_domains) {
    UNDERSTUDY_CHECK(check("fault domains", fault_domains, most_fault_domains));
    UNDERSTUDY_CHECK(check("update domains", update_domains, most_update_domains));
    std::vector<Placement> placements;
    for (std::size_t i = 0; i < machines.size(); ++i)
        placements.push_back({machines[i], static_cast<int>(i % static_cast<std::size_t>(fault_domains)),
                              static_cast<int>(i % static_cast<std::size_t>(update_domains))});
    return placements;
}

std::vector<std::string> in_fault_domain(const std::vector<Placement>& placements, int fault_domain) {
    return in_domain(placements, &Placement::fault_domain, fault_domain);
}

std::vector<std::string> in_update_domain(const std::vector<Placement>& placements, int update_domain) {
    return in_domain(placements, &Placement::update_domain, update_domain);
}

}  // namespace understudy::vmctl
