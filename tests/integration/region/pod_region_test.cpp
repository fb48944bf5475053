// SPDX-License-Identifier: Apache-2.0
// A whole region in the world `pod`: up, status, events, exec, faults, down; what the documents contain;
// nothing is left.
#include <cstdlib>
#include <fstream>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

class PodRegion : public Region {
  protected:
    void bring_up() {
        const Outcome up = understudy(
            {"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--name", "pods", "--timeout", "60s"});
        ASSERT_EQ(up.status, 0) << up.out << up.err;
    }
    json::object status() {
        const Outcome outcome = understudy({"status", "--name", "pods", "--json"});
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return json::parse(outcome.out).as_object();
    }
    std::string active() {
        const auto document = status();
        return document.at("active").is_string() ? std::string(document.at("active").as_string()) : "";
    }
    // Polls the region until somebody else than `other` is active.
    std::string active_other_than(const std::string& other) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (std::chrono::steady_clock::now() < end) {
            const std::string now = active();
            if (!now.empty() && now != other) return now;
        }
        return "";
    }
};

TEST_F(PodRegion, the_status_document_has_the_members_that_scripts_rely_on) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const auto document = status();
    for (const char* member : {"name", "state", "world", "accelerator", "supervisor_pid", "uptime_ms",
                               "active", "hosts", "load_balancers", "faults"})
        EXPECT_TRUE(document.contains(member)) << member;
    EXPECT_EQ(document.at("state").as_string(), "ready");
    EXPECT_EQ(document.at("world").as_string(), "pod");
    EXPECT_EQ(document.at("accelerator").as_string(), "none");
    for (const auto& host : document.at("hosts").as_array())
        for (const char* member : {"name", "kind", "address", "state", "role", "fault_domain"})
            EXPECT_TRUE(host.as_object().contains(member)) << member << " " << host;
    const auto& balancer = document.at("load_balancers").as_array().at(0).as_object();
    for (const char* member : {"name", "address", "backends"})
        EXPECT_TRUE(balancer.contains(member)) << member;
    for (const auto& backend : balancer.at("backends").as_array())
        for (const char* member : {"host", "healthy", "reason", "probes"})
            EXPECT_TRUE(backend.as_object().contains(member)) << member << " " << backend;
}

TEST_F(PodRegion, every_event_is_one_object_a_line_with_its_members) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const Outcome events = understudy({"events", "--name", "pods", "--json"});
    ASSERT_EQ(events.status, 0) << events.err;
    std::size_t lines = 0;
    for (std::size_t at = 0; at < events.out.size(); ++lines) {
        const std::size_t end = events.out.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        const auto event = json::parse(json::string_view(events.out.data() + at, end - at)).as_object();
        for (const char* member : {"t_ms", "source", "host", "event", "detail"})
            ASSERT_TRUE(event.contains(member)) << event;
        at = end + 1;
    }
    EXPECT_GT(lines, 20u);
}

TEST_F(PodRegion, a_command_runs_inside_a_host_and_its_exit_status_comes_back) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const Outcome name = understudy({"exec", "--name", "pods", "corda-backup", "--", "hostname"});
    EXPECT_EQ(name.out, "corda-backup\n") << name.err;
    EXPECT_EQ(understudy({"exec", "--name", "pods", "corda-backup", "--", "sh", "-c", "exit 7"}).status, 7);
    const Outcome share =
        understudy({"exec", "--name", "pods", "corda-backup", "--", "ls", "/mnt/cordastorage"});
    EXPECT_NE(share.out.find("artemis"), std::string::npos) << share.out << share.err;
    EXPECT_EQ(understudy({"exec", "--name", "pods", "nobody", "--", "true"}).status, 2);
}

TEST_F(PodRegion, the_standby_takes_over_when_the_active_loses_power_and_the_lost_one_comes_back_as_standby) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const std::string first = active();
    ASSERT_FALSE(first.empty());
    const Outcome fault = understudy({"fault", "--name", "pods", "power-off", "active", "as=loss"});
    ASSERT_EQ(fault.status, 0) << fault.err;
    const std::string second = active_other_than(first);
    ASSERT_FALSE(second.empty());
    EXPECT_EQ(status().at("faults").as_array().size(), 1u);
    EXPECT_EQ(understudy({"heal", "--name", "pods", "loss"}).status, 0);
    EXPECT_EQ(status().at("faults").as_array().size(), 0u);
    EXPECT_EQ(active(), second);
    EXPECT_EQ(understudy({"heal", "--name", "pods", "loss"}).status, 2);
    EXPECT_EQ(understudy({"fault", "--name", "pods", "power-off", "corda-primray"}).status, 2);
}

TEST_F(PodRegion, explain_says_why_a_backend_takes_no_flows_and_what_to_fix) {
    std::ofstream(scratch_.path() / "denied.yaml")
        << "version: 1\nextends: " << (source_directory() / "topologies/corda-ha-fast.yaml").string()
        << "\nsecurity_groups:\n  corda:\n"
           "    - {name: all, priority: 100, direction: inbound, access: allow, protocol: tcp, source: "
           "Internet,"
           " ports: \"10004-10010\"}\n"
           "    - {name: no-web-probes, priority: 200, direction: inbound, access: deny, protocol: tcp,"
           " source: AzureLoadBalancer, ports: \"10004\"}\n";
    const Outcome up = understudy({"up", (scratch_.path() / "denied.yaml").string(), "--world", "pod",
                                   "--name", "pods", "--timeout", "60s"});
    ASSERT_EQ(up.status, 0) << up.out << up.err;
    const std::string first = active();
    const std::string standby = first == "corda-primary" ? "corda-backup" : "corda-primary";

    const Outcome denied = understudy({"explain", "--name", "pods", "corda-lb/" + first});
    EXPECT_EQ(denied.status, 0) << denied.err;
    EXPECT_NE(denied.out.find("rule no-web-probes (priority 200) of security group corda denies it"),
              std::string::npos)
        << denied.out;
    EXPECT_NE(denied.out.find("to fix: let security group corda allow the probes"), std::string::npos)
        << denied.out;

    EXPECT_EQ(understudy({"fault", "--name", "pods", "power-off", standby, "as=loss"}).status, 0);
    const Outcome lost = understudy({"explain", "--name", "pods", "corda-lb/" + standby, "--json"});
    const auto document = json::parse(lost.out).as_object();
    EXPECT_EQ(document.at("fix").as_string(), "understudy heal loss") << lost.out;
    EXPECT_FALSE(document.at("balancer").as_object().empty()) << "the balancer itself was asked";

    EXPECT_EQ(understudy({"explain", "--name", "pods", "corda-lb"}).status, 2);
    EXPECT_EQ(understudy({"explain", "--name", "pods", "corda-lb/party-b"}).status, 2);
    EXPECT_NE(
        understudy({"explain", "--name", "pods", "corda-lv/" + first}).err.find("did you mean 'corda-lb'"),
        std::string::npos);
}

TEST_F(PodRegion, two_regions_run_side_by_side_and_one_name_runs_once) {
    ASSERT_NO_FATAL_FAILURE(bring_up());
    const Outcome again =
        understudy({"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--name", "pods"});
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.err.find("is running already"), std::string::npos) << again.err;
    const Outcome other =
        understudy({"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--name", "others"});
    EXPECT_EQ(other.status, 0) << other.err;
    EXPECT_EQ(understudy({"status"}).status, 2);  // which of the two?
    EXPECT_EQ(understudy({"down", "--name", "others"}).status, 0);
    EXPECT_EQ(understudy({"status"}).status, 0);
}

TEST_F(PodRegion, down_leaves_neither_process_nor_file_nor_mount_nor_interface_nor_namespace) {
    const auto before = traces_on_machine();
    ASSERT_NO_FATAL_FAILURE(bring_up());
    EXPECT_FALSE(processes_left().empty());
    EXPECT_NE(traces_on_machine(), before);  // the look would see a region that runs
    const Outcome down = understudy({"down", "--name", "pods"});
    EXPECT_EQ(down.status, 0) << down.err;
    EXPECT_TRUE(processes_left().empty()) << processes_left().front();
    EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "regions" / "pods"));
    for (const std::string& trace : traces_on_machine()) EXPECT_TRUE(before.contains(trace)) << trace;
}

TEST_F(PodRegion, a_time_limit_that_passes_is_exit_4_says_what_was_waited_for_and_leaves_nothing) {
    const Outcome up = understudy(
        {"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--name", "hasty", "--timeout", "1ms"});
    EXPECT_EQ(up.status, 4) << up.err;
    EXPECT_TRUE(processes_left().empty()) << processes_left().front();
    EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "regions" / "hasty"));
}

}  // namespace
}  // namespace understudy::test
