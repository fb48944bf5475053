// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/slowness.hpp"

#include <gmock/gmock.h>

namespace understudy::scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RegionEvent busy(Duration at) {
    return {at, "supervisor", {"lab", "machine_busy", "", {}}};
}

RegionEvent lost(Duration at, const std::string& host, const std::string& cause = "unconfirmed") {
    return {at, host, {"node", "lease_lost", "", {{"cause", cause}}}};
}

RegionEvent renewed(Duration at, const std::string& host) {
    return {at, host, {"node", "lease_renewed", "", {}}};
}

RegionEvent fault(Duration at, const std::string& name, const std::string& target) {
    return {at, target, {"lab", name, "", {{"fault", std::string("cut")}, {"target", target}}}};
}

std::vector<std::string> lost_in(const std::vector<RegionEvent>& events) {
    std::vector<std::string> hosts;
    for (const LostLease& each : leases_lost_to_slowness(events, {"a", "b"})) hosts.push_back(each.host);
    return hosts;
}

TEST(Slowness, a_lease_lost_unconfirmed_while_the_machine_is_busy_is_its_doing) {
    const auto all =
        leases_lost_to_slowness({busy(9s), lost(10s, "a"), busy(20s), lost(21s, "b")}, {"a", "b"});
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].host, "a");
    EXPECT_EQ(all[0].at, 10s);
    EXPECT_EQ(all[1].host, "b");
}

TEST(Slowness, a_machine_that_is_not_busy_excuses_nothing) {
    EXPECT_THAT(lost_in({lost(10s, "a")}), IsEmpty());
    EXPECT_THAT(lost_in({busy(5s), lost(10s, "a"), busy(11s)}), IsEmpty());
}

TEST(Slowness, a_lease_that_another_took_or_whose_database_is_gone_is_no_slowness) {
    EXPECT_THAT(lost_in({busy(9s), lost(10s, "a", "told")}), IsEmpty());
}

TEST(Slowness, hosts_of_other_nodes_do_not_count) {
    EXPECT_THAT(lost_in({busy(9s), lost(10s, "party-b")}), IsEmpty());
}

TEST(Slowness, a_fault_at_work_on_the_host_explains_its_loss_and_no_other_host_s) {
    EXPECT_THAT(lost_in({busy(9s), fault(9s, "fault_applied", "a"), lost(10s, "a"), lost(11s, "b")}),
                ElementsAre("b"));
}

TEST(Slowness, a_fault_at_work_on_a_service_explains_every_loss) {
    EXPECT_THAT(lost_in({busy(9s), fault(9s, "fault_applied", "corda-db"), lost(10s, "a"), lost(11s, "b")}),
                IsEmpty());
}

TEST(Slowness, a_healed_fault_explains_a_loss_until_a_lease_was_renewed_again) {
    const std::vector<RegionEvent> healed{busy(9s), fault(5s, "fault_applied", "a"),
                                          fault(9s, "fault_healed", "a")};
    auto at_once = healed;
    at_once.push_back(lost(10s, "a"));
    EXPECT_THAT(lost_in(at_once), IsEmpty());
    auto later = healed;
    later.insert(later.end(), {renewed(10s, "a"), lost(11s, "a")});
    EXPECT_THAT(lost_in(later), ElementsAre("a"));
}

}  // namespace
}  // namespace understudy::scenario
