// SPDX-License-Identifier: Apache-2.0
// Faults of a database in a whole region, as its highly available node meets them.
#include <chrono>

#include "base/time.hpp"
#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

constexpr const char* topology = "topologies/corda-ha-fast.yaml";

class DatabaseFaults : public Region {
  protected:
    void bring_up() {
        const Outcome up = understudy({"up", topology, "--world", "pod", "--name", "db", "--timeout", "60s"});
        ASSERT_EQ(up.status, 0) << up.out << up.err;
    }
    Outcome fault(std::vector<std::string> words) {
        std::vector<std::string> all{"fault", "--name", "db"};
        all.insert(all.end(), words.begin(), words.end());
        return understudy(std::move(all));
    }
    json::object status() {
        const Outcome outcome = understudy({"status", "--name", "db", "--json"});
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return json::parse(outcome.out).as_object();
    }
    json::object database() { return status().at("databases").as_array().at(0).as_object(); }
    // Until it holds, at most as long as the topology's own bound for this fault.
    template <typename Condition>
    ::testing::AssertionResult comes_true(const std::string& what, const std::string& fault_kind,
                                          Condition condition) {
        const Duration limit = bound(topology, fault_kind);
        for (const auto end = std::chrono::steady_clock::now() + limit; !condition();)
            if (std::chrono::steady_clock::now() > end)
                return ::testing::AssertionFailure()
                       << "not within " << format_duration(limit) << ": " << what;
        return ::testing::AssertionSuccess();
    }
};

TEST_F(DatabaseFaults, while_it_is_frozen_no_node_is_active_and_afterwards_one_is_within_the_bound) {
    const auto report = scratch_.path() / "out.json";
    const Outcome outcome =
        understudy({"test", topology, "--world", "pod", "--scenario",
                    "tests/integration/region/database-frozen.yaml", "--json", report.string()});
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    const auto document = read_json(report).as_object();
    const auto& scenario = document.at("scenarios").as_array().at(0).as_object();
    EXPECT_TRUE(scenario.at("passed").as_bool()) << scenario;
    EXPECT_GT(scenario.at("payments").as_object().at("acknowledged").as_int64(), 0);
}

TEST_F(DatabaseFaults, the_lease_is_judged_by_its_clock_so_a_step_back_keeps_the_standby_waiting) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const std::string active(status().at("active").as_string());
    const std::string standby = active == "corda-primary" ? "corda-backup" : "corda-primary";
    // The dead node's row now has a stamp of the future: by this clock it was renewed in an hour.
    ASSERT_EQ(fault({"power-off", active}).status, 0);
    ASSERT_EQ(fault({"db-clock-step", "corda-db", "step=-1h", "as=late"}).status, 0);
    EXPECT_EQ(database().at("clock_step_ms"), -3'600'000);
    const auto refused = [&] {
        for (const auto& event : events("db", standby, "lease_refused"))
            if (event.at("attributes").at("age_ms").to_number<std::int64_t>() < -3'000'000) return true;
        return false;
    };
    EXPECT_TRUE(comes_true("the standby is refused a row that is younger than now", "power-off", refused));
    const auto takeovers = events("db", standby, "lease_taken").size();
    // Without the step the lease is taken within the bound; with it the standby is refused once more after
    // that.
    const std::size_t refusals = events("db", standby, "lease_refused").size();
    EXPECT_TRUE(comes_true("it is refused again", "power-off",
                           [&] { return events("db", standby, "lease_refused").size() > refusals; }));
    EXPECT_EQ(events("db", standby, "lease_taken").size(), takeovers);
    ASSERT_EQ(understudy({"heal", "--name", "db", "late"}).status, 0);
    EXPECT_TRUE(comes_true("it takes over once the clock is back", "power-off",
                           [&] { return events("db", standby, "lease_taken").size() > takeovers; }));
}

TEST_F(DatabaseFaults, read_only_it_ends_the_lease_and_the_events_tell_who_read_and_wrote_it) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const auto written = events("db", "corda-db", "lease_written");
    ASSERT_FALSE(written.empty());
    EXPECT_TRUE(written.back().at("attributes").as_object().contains("version"));
    EXPECT_FALSE(events("db", "corda-db", "lease_read").empty());
    ASSERT_EQ(fault({"db-read-only", "corda-db", "as=ro"}).status, 0);
    EXPECT_TRUE(
        comes_true("no node is active", "database-loss", [&] { return status().at("active").is_null(); }));
    EXPECT_EQ(understudy({"heal", "--name", "db", "ro"}).status, 0);
    EXPECT_TRUE(
        comes_true("one is active again", "database-loss", [&] { return !status().at("active").is_null(); }));
}

TEST_F(DatabaseFaults, what_the_status_and_the_list_say_is_what_is_in_force) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    ASSERT_EQ(fault({"db-slow-commits", "corda-db", "latency=5ms", "as=slow"}).status, 0);
    ASSERT_EQ(fault({"db-clock-step", "corda-db", "step=+2s", "as=fast"}).status, 0);
    const auto held = database();
    EXPECT_EQ(held.at("faults").as_array().size(), 2U) << held;
    const Outcome text = understudy({"status", "--name", "db"});
    EXPECT_NE(text.out.find("clock 2s ahead"), std::string::npos) << text.out;
    const Outcome list = understudy({"faults", "--name", "db"});
    EXPECT_NE(list.out.find("db-slow-commits corda-db, latency 5ms"), std::string::npos) << list.out;
    EXPECT_EQ(understudy({"heal", "--name", "db", "--all"}).status, 0);
    EXPECT_TRUE(database().at("faults").as_array().empty());
    const Outcome host = fault({"db-freeze", "corda-files"});
    EXPECT_EQ(host.status, 2);
    EXPECT_NE(host.err.find("'corda-files' is no database"), std::string::npos) << host.err;
    const Outcome word = fault({"db-slow-commits", "corda-db", "latency=5"});
    EXPECT_EQ(word.status, 2);
    EXPECT_NE(word.err.find("has no unit"), std::string::npos) << word.err;
    EXPECT_NE(understudy({"faults", "--name", "db"}).out.find("no fault is in force"), std::string::npos);
}

TEST_F(DatabaseFaults, after_a_loss_of_power_it_is_back_with_what_it_had_acknowledged) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const std::size_t ready = events("db", "corda-db", "ready").size();
    const Outcome lost = fault({"db-power-loss", "corda-db", "torn=sectors", "seed=7"});
    ASSERT_EQ(lost.status, 0) << lost.err;
    EXPECT_TRUE(comes_true("it serves again", "database-loss",
                           [&] { return events("db", "corda-db", "ready").size() > ready; }));
    EXPECT_TRUE(
        comes_true("a node is active", "database-loss", [&] { return !status().at("active").is_null(); }));
    EXPECT_EQ(events("db", "corda-db", "power_lost").size(), 1U);
}

}  // namespace
}  // namespace understudy::test
