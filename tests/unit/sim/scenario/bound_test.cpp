// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/bound.hpp"

#include <gmock/gmock.h>

#include "sim/scenario/reader.hpp"
#include "sim/topology/reader.hpp"
#include "tests/unit/sim/topology/guide.hpp"

namespace understudy::scenario {
namespace {

using testing::ElementsAre;
using topology::topologies;

TEST(ScenarioBound, the_cause_of_an_outage_follows_from_what_a_partition_cuts) {
    using Cause = topology::FaultKind;
    const topology::Topology topology = *topology::load_topology(topologies() + "/corda-ha-fast.yaml");
    Fault cut{FaultKind::partition, {"active"}, {"corda-db"}, "cut", {}};
    EXPECT_THAT(causes(cut, topology), ElementsAre(Cause::database_loss));
    cut.to = {"corda-files"};
    EXPECT_THAT(causes(cut, topology), ElementsAre(Cause::share_loss));
    cut.to = {};
    EXPECT_THAT(causes(cut, topology), ElementsAre(Cause::database_loss, Cause::share_loss));
    cut.to = {"corda-lb"};
    EXPECT_THAT(causes(cut, topology), ElementsAre(Cause::power_off));
    const auto share = *load_scenario(topologies() + "/scenarios/primary-cut-off-from-share.yaml", topology);
    const auto power = *load_scenario(topologies() + "/scenarios/primary-power-loss.yaml", topology);
    EXPECT_EQ(worst_case_outage(share, topology, {}) - worst_case_outage(power, topology, {}), 4s);
}

TEST(ScenarioBound, a_programs_bound_counts_how_long_its_host_stands_still) {
    const auto topology = *topology::load_topology(topologies() + "/activemq-shared-store.yaml");
    const auto frozen =
        *load_scenario(topologies() + "/scenarios/broker-master-frozen-past-its-lease.yaml", topology);
    EXPECT_EQ(worst_case_outage(frozen, topology, {}),
              topology::worst_case_outage(topology, {}, topology::FaultKind::pause) + 6s);
}

}  // namespace
}  // namespace understudy::scenario
