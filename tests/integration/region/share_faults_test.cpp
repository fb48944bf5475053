// SPDX-License-Identifier: Apache-2.0
// Faults of a file service in a whole region, as its hosts meet them.
#include <fstream>
#include <future>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

class ShareFaults : public Region {
  protected:
    void bring_up(const std::string& topology = "topologies/corda-ha-fast.yaml") {
        const Outcome up =
            understudy({"up", topology, "--world", "pod", "--name", "shares", "--timeout", "60s"});
        ASSERT_EQ(up.status, 0) << up.out << up.err;
    }
    Outcome fault(std::vector<std::string> words) {
        std::vector<std::string> all{"fault", "--name", "shares"};
        all.insert(all.end(), words.begin(), words.end());
        return understudy(std::move(all));
    }
    Outcome in(const std::string& host, const std::string& script) {
        return understudy(
            {"exec", "--name", "shares", host, "--", "sh", "-c", "cd /mnt/cordastorage && " + script});
    }
    json::object share() {
        const Outcome outcome = understudy({"status", "--name", "shares", "--json"});
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        const auto document = json::parse(outcome.out).as_object();
        const auto& service = document.at("file_services").as_array().at(0).as_object();
        EXPECT_TRUE(service.contains("shares")) << service;
        return service.at("shares").as_array().at(0).as_object();
    }
    // Until it holds, at most a minute.
    template <typename Condition>
    ::testing::AssertionResult comes_true(const std::string& what, Condition condition) {
        for (const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1); !condition();)
            if (std::chrono::steady_clock::now() > end)
                return ::testing::AssertionFailure() << "waited a minute: " << what;
        return ::testing::AssertionSuccess();
    }
};

TEST_F(ShareFaults, a_stalled_path_waits_for_one_host_and_is_healed) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    // In a folder of its own: the kernel of a host lets nobody make a name in a folder where it waits for
    // one.
    ASSERT_EQ(in("corda-primary", "mkdir held").status, 0);
    ASSERT_EQ(fault({"share-stall", "corda-files", "path=held/stalled*", "client=corda-primary", "as=stall"})
                  .status,
              0);
    auto waits =
        std::async(std::launch::async, [this] { return in("corda-primary", "echo 1 > held/stalled"); });
    EXPECT_TRUE(comes_true("a request waits",
                           [this] { return share().at("requests_waiting").to_number<int>() > 0; }));
    EXPECT_EQ(in("corda-backup", "echo 2 > held/stalled-not && cat held/stalled-not").out, "2\n");
    EXPECT_EQ(in("corda-primary", "echo 3 > passes && cat passes").out, "3\n");
    EXPECT_NE(in("corda-backup", "cat held/stalled").out, "1\n");
    EXPECT_EQ(understudy({"heal", "--name", "shares", "stall"}).status, 0);
    waits.get();  // done, or given up: how long a caller waits is the mount's policy
    EXPECT_TRUE(comes_true("nothing waits any more",
                           [this] { return share().at("requests_waiting").to_number<int>() == 0; }));
    EXPECT_EQ(in("corda-primary", "echo 4 > held/stalled && cat held/stalled").out, "4\n");
}

TEST_F(ShareFaults, a_share_is_read_only_until_it_is_healed) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    ASSERT_EQ(in("corda-primary", "echo 1 > ro-file").status, 0);
    ASSERT_EQ(fault({"share-read-only", "corda-files", "path=ro-*", "as=ro"}).status, 0);
    const Outcome refused = in("corda-primary", "echo 2 > ro-file");
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.err.find("Read-only file system"), std::string::npos) << refused.err;
    EXPECT_EQ(in("corda-backup", "cat ro-file").out, "1\n");
    EXPECT_EQ(in("corda-primary", "echo 2 > other && cat other").out, "2\n");
    EXPECT_EQ(understudy({"heal", "--name", "shares", "ro"}).status, 0);
    EXPECT_EQ(in("corda-primary", "echo 2 > ro-file && cat ro-file").out, "2\n");
}

TEST_F(ShareFaults, a_service_that_was_killed_has_its_faults_again) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    ASSERT_EQ(in("corda-primary", "echo 1 > ro-file").status, 0);
    ASSERT_EQ(fault({"share-read-only", "corda-files", "path=ro-*", "as=ro"}).status, 0);
    ASSERT_EQ(understudy({"fault", "--name", "shares", "kill", "corda-files", "unit=files"}).status, 0);
    EXPECT_TRUE(comes_true("the service has its fault again", [this] {
        const Outcome outcome = understudy({"status", "--name", "shares", "--json"});
        return outcome.out.find("\"id\":\"ro\",\"kind\":\"read-only\"") != std::string::npos;
    }));
    EXPECT_NE(in("corda-primary", "echo 2 > ro-file").status, 0);
    EXPECT_EQ(understudy({"heal", "--name", "shares", "ro"}).status, 0);
    EXPECT_EQ(in("corda-primary", "echo 2 > ro-file && cat ro-file").out, "2\n");
}

TEST_F(ShareFaults, a_power_loss_takes_what_was_not_synced_and_the_hosts_go_on) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    ASSERT_EQ(in("corda-primary", "echo kept > kept && sync kept && echo lost > lost").status, 0);
    const Outcome lost = fault({"share-power-loss", "corda-files"});
    ASSERT_EQ(lost.status, 0) << lost.err;
    EXPECT_TRUE(
        comes_true("the service is back", [this] { return in("corda-backup", "cat kept").out == "kept\n"; }));
    EXPECT_NE(in("corda-backup", "cat lost").out, "lost\n");
    EXPECT_EQ(in("corda-primary", "echo again > again && cat again").out, "again\n");
    const Outcome events = understudy({"events", "--name", "shares"});
    EXPECT_NE(events.out.find("power_lost"), std::string::npos);
}

TEST_F(ShareFaults, what_is_no_fault_of_a_share_is_refused_with_the_reason) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const Outcome host = fault({"share-stall", "corda-primary"});
    EXPECT_EQ(host.status, 2);
    EXPECT_NE(host.err.find("is no file service"), std::string::npos) << host.err;
    const Outcome word = fault({"share-error", "corda-files", "rate=2"});
    EXPECT_EQ(word.status, 2);
    EXPECT_NE(word.err.find("no number from 0 to 1"), std::string::npos) << word.err;
    const Outcome none = understudy({"faults", "--name", "shares"});
    EXPECT_NE(none.out.find("no fault is in force"), std::string::npos) << none.out;
}

TEST_F(ShareFaults, the_status_says_who_holds_which_lock) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    bool active_holds = false;
    const Outcome outcome = understudy({"status", "--name", "shares", "--json"});
    const auto active = json::parse(outcome.out).as_object().at("active");
    const json::object held = share();
    for (const auto& lock : held.at("locks").as_array())
        active_holds |= lock.as_object().at("client") == active;
    EXPECT_TRUE(active_holds) << share();
    const Outcome text = understudy({"status", "--name", "shares"});
    EXPECT_NE(text.out.find(" holds exclusive "), std::string::npos) << text.out;
}

TEST_F(ShareFaults, a_share_with_a_key_is_mounted_by_its_hosts_and_by_nobody_else) {
    const auto topology = scratch_.path() / "keyed.yaml";
    std::ofstream(topology) << "version: 1\nextends: "
                            << (source_directory() / "topologies/corda-ha-fast.yaml").string()
                            << "\nname: keyed\nfile_services:\n"
                               "  corda-files: {key: true, clients: [192.0.2.0/24]}\n";
    ASSERT_NO_FATAL_FAILURE(bring_up(topology.string()));
    EXPECT_TRUE(share().at("asks_for_key").as_bool());
    EXPECT_EQ(share().at("sessions").as_array().size(), 2U);
    const std::string mount =
        "timeout 5 understudy-mount --server 203.0.113.20:564 --export corda-files "
        "--client guest";
    in("corda-backup", "echo another key of this length > /tmp/key && chmod 600 /tmp/key && " + mount +
                           " --key-file /tmp/key /tmp/share");
    in("corda-backup", mount + " /tmp/share");
    understudy({"exec", "--name", "shares", "corda-db", "--", "sh", "-c", mount + " /tmp/share"});
    const Outcome events = understudy({"events", "--name", "shares"});
    for (const char* reason : {"the proof of its key is wrong", "it didn't prove that it has the share's key",
                               "its address is none of the allowed clients"})
        EXPECT_NE(events.out.find(reason), std::string::npos) << reason;
    EXPECT_EQ(share().at("sessions").as_array().size(), 2U);
}

// With either policy of the mounts: EIO after a while, or no answer at all until the share is back.
TEST_F(ShareFaults, a_node_whose_share_stalls_gives_way_whether_its_mount_errs_or_hangs) {
    for (const std::string policy : {"error:1s", "hang"}) {
        const auto report = scratch_.path() / "stalled.json";
        const Outcome outcome =
            understudy({"test", "topologies/corda-ha-fast.yaml", "--world", "pod", "--scenario",
                        "tests/integration/region/share-stalled.yaml", "--set",
                        "file_services.corda-files.on_loss=" + policy, "--json", report.string()});
        EXPECT_EQ(outcome.status, 0) << policy << "\n" << outcome.out << outcome.err;
        const auto scenario = read_json(report).as_object().at("scenarios").as_array().at(0).as_object();
        EXPECT_TRUE(scenario.at("passed").as_bool()) << scenario;
        EXPECT_GT(scenario.at("payments").as_object().at("acknowledged").as_int64(), 0);
    }
}

}  // namespace
}  // namespace understudy::test
