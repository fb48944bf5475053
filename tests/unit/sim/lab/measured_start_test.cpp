// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/measured_start.hpp"

#include <gtest/gtest.h>

namespace understudy::lab {
namespace {

using scenario::RegionEvent;
using Events = std::vector<RegionEvent>;

RegionEvent told(Duration at, const std::string& host, const std::string& source, const std::string& name,
                 std::map<std::string, AttributeValue> attributes = {}) {
    return {at, host, {source, name, "", std::move(attributes)}};
}

RegionEvent process_started(Duration at, const std::string& host) {
    return told(at, host, "agent", "unit_started", {{"unit", std::string("node")}});
}

Events start(Duration at, const std::string& host) {
    return {told(at, host, "lab", "host_state", {{"state", std::string("starting")}}),
            process_started(at + 4s, host),
            told(at + 4300ms, host, "node", "lease_taken"),
            told(at + 4400ms, host, "node", "journal_locked", {{"wait_ms", std::int64_t(100)}}),
            told(at + 4700ms, host, "node", "active"),
            told(at + 5s, "a", "lab", "fault_applied")};
}

topology::MeasuredStart measured(const Events& before, const Events& after = {}) {
    Events all = before;
    all.insert(all.end(), after.begin(), after.end());
    return measure_start(all, {"a", "b"});
}

TEST(MeasuredStart, is_the_longest_of_each_kind_without_waiting_for_the_journal) {
    const auto it = measured(start(1s, "a"));
    EXPECT_EQ(it.host_start, 4s);
    EXPECT_EQ(it.process_to_lease, 300ms);
    EXPECT_EQ(it.lease_to_ports, 300ms);
    EXPECT_EQ(measured(start(1s, "party-b")).host_start, Duration{});
}

TEST(MeasuredStart, after_the_first_fault_is_not_measured) {
    EXPECT_EQ(measured(start(1s, "a"), {process_started(10s, "b"), told(15s, "b", "node", "lease_taken")})
                  .process_to_lease,
              300ms);
}

TEST(MeasuredStart, after_the_first_fault_counts_while_the_machine_is_busy) {
    const RegionEvent busy = told(12s, "supervisor", "lab", "machine_busy");
    const Events late{process_started(10s, "b"), busy, told(15s, "b", "node", "lease_taken"),
                      told(16s, "b", "node", "active")};
    const auto it = measured(start(1s, "a"), late);
    EXPECT_EQ(it.process_to_lease, 5s);
    EXPECT_EQ(it.lease_to_ports, 300ms) << "it was not busy any more";
    const Events early{busy, process_started(13s, "b"), told(15s, "b", "node", "lease_taken")};
    EXPECT_EQ(measured(start(1s, "a"), early).process_to_lease, 300ms) << "it was busy before";
}

TEST(MeasuredStart, a_process_that_ends_unanswered_counts_on_while_the_machine_is_busy) {
    const RegionEvent busy = told(12s, "supervisor", "lab", "machine_busy");
    EXPECT_EQ(measured(start(1s, "a"), {process_started(10s, "b"), busy, process_started(14s, "b"),
                                        told(17s, "b", "node", "lease_refused")})
                  .process_to_lease,
              7s);
    EXPECT_EQ(
        measured({process_started(1s, "b"), process_started(4s, "b"), told(5s, "b", "node", "lease_refused")})
            .process_to_lease,
        1s);
}

}  // namespace
}  // namespace understudy::lab
