// SPDX-License-Identifier: Apache-2.0
// How the ids of rules and backends make a conntrack mark, and the names of kernel objects. Of the files
// passthrough_rules.cpp and passthrough_table.cpp only.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace understudy::lb {

constexpr std::uint16_t last_rule_id = 0x7e00;  // below own_segment_mark's half
constexpr std::uint16_t outbound_rule_id = 0x7fff;
constexpr std::uint16_t last_backend_id = 0xfffe;

constexpr std::uint32_t mark(std::uint32_t rule_id, std::uint16_t backend_id) {
    return rule_id << 16 | backend_id;
}

// "rule1_backend2"
inline std::string flow_name(std::uint32_t mark) {
    return fmt::format("rule{}_backend{}", mark >> 16, mark & 0xffff);
}

std::string seconds_of(Duration idle_timeout);  // rounded up, at least 1

}  // namespace understudy::lb
