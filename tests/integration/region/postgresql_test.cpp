// SPDX-License-Identifier: Apache-2.0
// Regions whose database is a real PostgreSQL server: every scenario passes, the server is killed, frozen and
// switched off and comes back with all it had acknowledged, it ends in order with its region, and a machine
// that lacks it says so.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/time.hpp"
#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* setting = "databases.corda-db.engine=postgresql";
constexpr const char* topology = "topologies/corda-ha-fast.yaml";

class Postgresql : public Region {
  protected:
    void SetUp() override {
        const Outcome doctor = understudy({"doctor", "--world", "pod", topology, "--set", setting});
        if (doctor.status == 3) GTEST_SKIP() << "this machine cannot run it:\n" << doctor.out;
        ASSERT_EQ(doctor.status, 0) << doctor.out << doctor.err;
    }

    void bring_up() {
        const Outcome up = understudy({"up", topology, "--world", "pod", "--name", "pg", "--set", setting});
        ASSERT_EQ(up.status, 0) << up.out << up.err;
        std::cout << up.out.substr(0, up.out.find('\n') + 1);
    }

    // The longest that this topology lets an active node be missing once the database is there.
    Duration bound() { return Region::bound(topology, "database-loss", {"--set", setting}); }

    std::vector<json::object> events(const std::string& host, const std::string& name) {
        return Region::events("pg", host, name);
    }

    // Looks again until it is so; the limit is against hangs.
    template <typename Condition>
    static bool comes_true(Condition condition, Duration limit) {
        const auto end = Clock::now() + limit;
        while (!condition())
            if (Clock::now() > end) return false;
        return true;
    }

    // The server has said `ready` that often, and after the last time a payment was acknowledged.
    void expect_serving_again(std::size_t ready_count) {
        const Duration limit = bound();
        EXPECT_TRUE(comes_true([&] { return events("corda-db", "ready").size() >= ready_count; }, limit));
        const auto ready = events("corda-db", "ready");
        ASSERT_EQ(ready.size(), ready_count);
        const double since = ready.back().at("t_ms").to_number<double>();
        const auto acknowledged = [&] {
            for (const auto& attempt : events("app", "attempt"))
                if (attempt.at("attributes").at("outcome").as_string() == "acknowledged" &&
                    attempt.at("t_ms").to_number<double>() > since)
                    return true;
            return false;
        };
        EXPECT_TRUE(comes_true(acknowledged, limit)) << "no payment within " << format_duration(limit);
    }

    // Ids of the payments that the database holds.
    std::set<std::string> payments() {
        const Outcome audit =
            understudy({"exec", "--name", "pg", "corda-db", "--", "/opt/understudy/bin/understudy-node",
                        "audit", "--config", "/etc/understudy/audit-party-a.json"});
        EXPECT_EQ(audit.status, 0) << audit.err;
        std::set<std::string> ids;
        const json::value document = json::parse(audit.out);
        for (const auto& payment : document.as_object().at("payments").as_array())
            ids.emplace(payment.as_object().at("payment_id").as_string());
        return ids;
    }
    void expect_all_there(const std::set<std::string>& before) {
        EXPECT_FALSE(before.empty());
        const auto now = payments();
        for (const std::string& id : before) EXPECT_TRUE(now.contains(id)) << id << " is lost";
    }
    std::string log() { return understudy({"logs", "--name", "pg", "corda-db"}).out; }
    static bool has(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }
};

TEST_F(Postgresql, every_scenario_passes_within_its_bound_and_loses_nothing) {
    const auto report = scratch_.path() / "out.json";
    const Outcome outcome =
        understudy({"test", topology, "--world", "pod", "--set", setting, "--json", report.string()},
                   std::chrono::minutes(10));
    std::cout << outcome.out;
    ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    const auto document = read_json(report).as_object();
    const auto& scenarios = document.at("scenarios").as_array();
    EXPECT_EQ(scenarios.size(), 6u);
    for (const auto& entry : scenarios) {
        const auto& scenario = entry.as_object();
        SCOPED_TRACE(json::serialize(scenario.at("name")));
        EXPECT_TRUE(scenario.at("passed").as_bool());
        EXPECT_LE(scenario.at("outage_ms").to_number<double>(), scenario.at("bound_ms").to_number<double>());
        const auto& payments = scenario.at("payments").as_object();
        EXPECT_GT(payments.at("acknowledged").as_int64(), 0);
        EXPECT_EQ(payments.at("lost").as_int64(), 0);
        EXPECT_EQ(payments.at("duplicated").as_int64(), 0);
    }
}

TEST_F(Postgresql, a_server_that_is_killed_recovers_what_it_had_committed_and_serves_again) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    EXPECT_FALSE(has(log(), "recovery"));
    const auto before = payments();
    const Outcome kill = understudy({"fault", "--name", "pg", "kill", "corda-db", "unit=database"});
    ASSERT_EQ(kill.status, 0) << kill.err;
    ASSERT_NO_FATAL_FAILURE(expect_serving_again(2));
    EXPECT_TRUE(has(log(), "automatic recovery in progress")) << log();
    expect_all_there(before);
}

TEST_F(Postgresql, a_server_whose_machine_lost_power_recovers_what_it_had_committed_and_serves_again) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const auto before = payments();
    ASSERT_EQ(understudy({"fault", "--name", "pg", "power-off", "corda-db", "as=loss"}).status, 0);
    ASSERT_EQ(understudy({"heal", "--name", "pg", "loss"}).status, 0);
    ASSERT_NO_FATAL_FAILURE(expect_serving_again(2));
    EXPECT_TRUE(has(log(), "automatic recovery in progress")) << log();
    EXPECT_FALSE(has(log(), "FATAL:  lock file")) << log();
    expect_all_there(before);
}

TEST_F(Postgresql, a_server_that_stood_still_goes_on) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    ASSERT_EQ(understudy({"fault", "--name", "pg", "pause", "corda-db", "as=freeze"}).status, 0);
    const auto frozen_at = Clock::now();
    const Outcome status = understudy({"status", "--name", "pg"});
    EXPECT_TRUE(has(status.out, "paused")) << status.out;
    // Longer than the lease: no node is active any more when the server goes on.
    EXPECT_TRUE(comes_true([&] { return Clock::now() - frozen_at > std::chrono::seconds(3); }, 10s));
    ASSERT_EQ(understudy({"heal", "--name", "pg", "freeze"}).status, 0);
    const double since = events("corda-db", "fault_healed").back().at("t_ms").to_number<double>();
    const auto acknowledged = [&] {
        const auto attempts = events("app", "attempt");
        return !attempts.empty() &&
               attempts.back().at("attributes").at("outcome").as_string() == "acknowledged" &&
               attempts.back().at("t_ms").to_number<double>() > since;
    };
    EXPECT_TRUE(comes_true(acknowledged, bound()));
    EXPECT_EQ(events("corda-db", "ready").size(), 1u) << "it is the same server";
}

TEST_F(Postgresql, a_server_is_made_read_only_and_what_it_can_not_do_is_refused_by_name) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const auto fault = [this](const std::string& kind) {
        return understudy({"fault", "--name", "pg", kind, "corda-db", "as=fault"});
    };
    const Outcome freeze = fault("db-freeze");
    EXPECT_EQ(freeze.status, 2);
    EXPECT_TRUE(has(freeze.err, "'corda-db' is a PostgreSQL server, which can't do that; use pause"))
        << freeze.err;
    const Outcome read_only = fault("db-read-only");
    ASSERT_EQ(read_only.status, 0) << read_only.err;
    const auto active = [this] {
        const Outcome status = understudy({"status", "--name", "pg", "--json"});
        return !json::parse(status.out).as_object().at("active").is_null();
    };
    // The lease can't be renewed any more.
    EXPECT_TRUE(comes_true([&] { return !active(); }, bound()));
    EXPECT_TRUE(has(log(), "cannot execute UPDATE in a read-only transaction")) << log();
    ASSERT_EQ(understudy({"heal", "--name", "pg", "fault"}).status, 0);
    EXPECT_TRUE(comes_true(active, bound()));
    EXPECT_EQ(events("corda-db", "ready").size(), 1u) << "it is the same server";
}

TEST_F(Postgresql, only_the_accounts_of_its_nodes_come_in) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const auto come = [&](const std::string& user, const std::string& password) {
        return understudy({"exec", "--name", "pg", "corda-primary", "--", "/usr/bin/env",
                           "PGPASSWORD=" + password, "psql", "-h", "203.0.113.30", "-U", user, "-d", "vault",
                           "-w", "-c", "SELECT 1"});
    };
    if (come("party_a", "").status == 127) GTEST_SKIP() << "psql is not installed";
    EXPECT_TRUE(has(come("party_a", "guessed").err, "password authentication failed"));
    EXPECT_TRUE(has(come("Understudy", "").err, "no pg_hba.conf entry"));
    EXPECT_TRUE(has(come("postgres", "").err, "no pg_hba.conf entry"));
    const Outcome password = understudy(
        {"exec", "--name", "pg", "corda-primary", "--", "cat", "/etc/understudy/passwords/party_a"});
    EXPECT_EQ(come("party_a", password.out.substr(0, password.out.find('\n'))).status, 0);
}

TEST_F(Postgresql, it_ends_in_order_with_its_region) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    // Open, the log can be read when its region has taken it away.
    std::ifstream log(scratch_.path() / "regions" / "pg" / "logs" / "corda-db.log");
    ASSERT_TRUE(log);
    const Outcome down = understudy({"down", "--name", "pg"});
    EXPECT_EQ(down.status, 0) << down.err;
    std::ostringstream text;
    text << log.rdbuf();
    EXPECT_TRUE(has(text.str(), "received fast shutdown request")) << text.str();
    EXPECT_TRUE(has(text.str(), "database system is shut down")) << text.str();
}

TEST_F(Postgresql, a_machine_without_the_server_names_the_package_and_the_command) {
    if (::geteuid() != 0) GTEST_SKIP() << "hiding the server needs root";
    for (const char* command : {"doctor", "up"}) {
        // In mounts of its own, where an empty folder covers the server's.
        const Outcome outcome =
            run({"unshare", "--mount", "sh", "-c", "mount -t tmpfs none /usr/lib/postgresql && exec \"$@\"",
                 "sh", program("understudy").string(), command, topology, "--world", "pod", "--set", setting},
                {std::chrono::minutes(1), {{"UNDERSTUDY_STATE_DIR", scratch_.path().string()}}, {}});
        EXPECT_EQ(outcome.status, 3) << outcome.out << outcome.err;
        const std::string said = outcome.out + outcome.err;
        EXPECT_TRUE(has(said, "there is no PostgreSQL server in /usr/lib/postgresql")) << said;
        EXPECT_TRUE(has(said, "run: sudo apt-get install postgresql")) << said;
    }
}

}  // namespace
}  // namespace understudy::test
