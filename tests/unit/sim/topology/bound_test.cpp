// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/bound.hpp"

#include <gtest/gtest.h>

#include "sim/topology/reader.hpp"
#include "tests/support/paths.hpp"

namespace understudy::topology {
namespace {

Topology fast(const std::vector<std::string>& settings = {}) {
    return *load_topology(test::source_directory() / "topologies/corda-ha-fast.yaml", settings);
}

constexpr MeasuredStart measured{300ms, 200ms, 4s};

TEST(Bound, the_sum_of_the_fast_topologys_timers_is_the_bound_of_a_power_loss) {
    // (I + C) + W + W + R + S1 + X + S2 + P + T + C + max(I, Q) + C
    EXPECT_EQ(worst_case_outage(fast(), measured, FaultKind::power_off),
              2100ms + 2s + 2s + 100ms + 300ms + 500ms + 200ms + 500ms + 500ms + 2s + 500ms + 2s);
}

TEST(Bound, a_long_client_lease_takes_the_place_of_the_row) {
    const Duration with_long_lease = worst_case_outage(fast({"file_services.corda-files.client_lease=8s"}),
                                                       measured, FaultKind::power_off);
    EXPECT_EQ(with_long_lease - worst_case_outage(fast(), measured, FaultKind::power_off),
              10s + 500ms - 4900ms);
}

TEST(Bound, a_slow_probe_of_a_dead_backend_takes_the_place_of_the_standbys_start) {
    const Duration slow = worst_case_outage(fast({"load_balancers.corda-lb.probes.rpc.interval=10s",
                                                  "load_balancers.corda-lb.probes.rpc.threshold=3"}),
                                            measured, FaultKind::power_off);
    EXPECT_EQ(slow, 2100ms + 3 * 20s + 2s + 500ms + 2s);
}

TEST(Bound, each_kind_of_fault_adds_what_the_active_takes_to_end) {
    const Duration general = worst_case_outage(fast(), measured, FaultKind::kill);
    EXPECT_EQ(general, worst_case_outage(fast(), measured, FaultKind::database_loss));
    EXPECT_EQ(worst_case_outage(fast(), measured, FaultKind::stop) - general, 2s);
    EXPECT_EQ(worst_case_outage(fast(), measured, FaultKind::reset) - general, 4s);
    EXPECT_EQ(worst_case_outage(fast(), measured, FaultKind::share_loss) - general, 1s + 1s + 2s);
    EXPECT_EQ(worst_case_outage(fast(), measured, {FaultKind::kill, FaultKind::stop}) - general, 2s);
}

TEST(Bound, a_topology_without_a_second_machine_has_none) {
    EXPECT_EQ(worst_case_outage(*parse_topology("{version: 1, name: empty}", "t"), measured, FaultKind::kill),
              0s);
}

}  // namespace
}  // namespace understudy::topology
