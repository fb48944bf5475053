// SPDX-License-Identifier: Apache-2.0
// understudy-lb as a program: its exit status, its words on stderr, its events and its end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon_harness.hpp"

namespace understudy::lb {
namespace {

using ::testing::HasSubstr;

TEST_F(DaemonTest, serves_until_it_is_told_to_end) {
    const Config config = test_config();
    TestBackend a("127.0.0.2", config.rules[0].backend_port, echo("a"));
    Daemon daemon({"--config", written(to_yaml(config))}, folder_);
    ASSERT_TRUE(daemon.events().wait("configured")) << daemon.errors();
    ASSERT_TRUE(daemon.events().wait("ready"));
    ASSERT_TRUE(daemon.events().wait("probe_up", "a"));
    Peer peer = Peer::connect("127.0.0.1", config.rules[0].frontend_port);
    ASSERT_TRUE(peer.send("who\n"));
    EXPECT_EQ(peer.read_line(), "a\n");
    const auto succeeded = daemon.events().wait("probe_succeeded", "a");
    EXPECT_TRUE(integer_attribute(*succeeded, "latency_us"));
    EXPECT_EQ(string_attribute(*succeeded, "probe"), "p2p");
    EXPECT_EQ(succeeded->source, "lb");
    daemon.terminate();
    EXPECT_EQ(daemon.exit_status(), 0);
    EXPECT_EQ(peer.read_error(), ECONNRESET);
}

TEST_F(DaemonTest, a_rule_naming_a_missing_probe_ends_it_with_2_and_the_place) {
    Config config = test_config();
    config.rules[0].probe = "rpc";
    const std::string path = written(to_yaml(config));
    Daemon daemon({"--config", path}, folder_);
    EXPECT_EQ(daemon.exit_status(), 2);
    EXPECT_THAT(daemon.errors(), ::testing::StartsWith("understudy: " + path + ":"));
    EXPECT_THAT(daemon.errors(), ::testing::ContainsRegex(
                                     "lb.yaml:[0-9]+:[0-9]+: rules\\[0\\].probe: there is no probe 'rpc'"));
}

TEST_F(DaemonTest, a_missing_file_and_bad_usage_end_it_with_2) {
    Daemon missing({"--config", folder_ + "/none.yaml"}, folder_);
    EXPECT_EQ(missing.exit_status(), 2);
    EXPECT_THAT(missing.errors(), HasSubstr("none.yaml: No such file"));
    Daemon bare({}, folder_);
    EXPECT_EQ(bare.exit_status(), 2);
    EXPECT_THAT(bare.errors(), HasSubstr("--config"));
    Daemon help({"--help"}, folder_);
    EXPECT_EQ(help.exit_status(), 0);
    EXPECT_THAT(help.errors(), HasSubstr("Load balancer"));
}

TEST_F(DaemonTest, a_taken_port_ends_it_with_3_and_names_it) {
    const Config config = test_config();
    TestBackend taken("127.0.0.1", config.rules[0].frontend_port, echo("other"));
    Daemon daemon({"--config", written(to_yaml(config))}, folder_);
    EXPECT_EQ(daemon.exit_status(), 3);
    EXPECT_THAT(daemon.errors(), HasSubstr("127.0.0.1:" + std::to_string(config.rules[0].frontend_port)));
    EXPECT_THAT(daemon.errors(), HasSubstr("Address already in use"));
    EXPECT_EQ(daemon.events().count("ready"), 0U);
}

TEST_F(DaemonTest, an_address_of_another_machine_ends_it_with_3) {
    Config config = test_config();
    config.frontend = *parse_address("203.0.113.10");
    Daemon frontend({"--config", written(to_yaml(config))}, folder_);
    EXPECT_EQ(frontend.exit_status(), 3);
    EXPECT_THAT(frontend.errors(), HasSubstr("the frontend address must be on an interface of this machine"));
    config = test_config();
    config.probe_source = *parse_address("203.0.113.254");
    Daemon source({"--config", written(to_yaml(config))}, folder_);
    EXPECT_EQ(source.exit_status(), 3);
    EXPECT_THAT(source.errors(), HasSubstr("probe_source 203.0.113.254"));
}

TEST_F(DaemonTest, too_few_open_files_are_said_with_the_number) {
    const Config config = test_config();
    Daemon daemon({"--config", written(to_yaml(config))}, folder_, 256);
    const auto configured = daemon.events().wait("configured");
    ASSERT_TRUE(configured) << daemon.errors();
    EXPECT_THAT(daemon.errors(), HasSubstr("the limit of 256 is enough for"));
    EXPECT_LT(integer_attribute(*configured, "max_connections").value_or(1'000'000), 128);
    daemon.terminate();
    EXPECT_EQ(daemon.exit_status(), 0);
}

}  // namespace
}  // namespace understudy::lb
