// SPDX-License-Identifier: Apache-2.0
// What a balancer in the kernel does inside a region, seen from the region's own hosts: a rule for all ports,
// an inbound NAT rule, outbound translation, floating IP. The machines carry no nodes: understudy-test-peer
// is what listens there and what asks.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

using namespace std::chrono_literals;

class Balancer : public Region {
  protected:
    // `setting` is of the topology's load balancer. Something listens on 7001 and 7002 of both machines.
    void bring_up(const std::string& setting) {
        std::vector<std::string> arguments{
            "up", "tests/integration/region/balancer.yaml", "--world", "pod", "--name", "lb", "--timeout",
            "60s"};
        if (!setting.empty()) {
            arguments.push_back("--set");
            arguments.push_back("load_balancers.lb." + setting);
        }
        const Outcome up = understudy(arguments);
        ASSERT_EQ(up.status, 0) << up.out << up.err;
        for (const char* host : {"one", "two"})
            for (const char* port : {"7001", "7002"}) {
                const Outcome started = inside(host, {"answer", port, host});
                ASSERT_EQ(started.status, 0) << started.out << started.err;
            }
    }
    // understudy-test-peer in a host.
    Outcome inside(const std::string& host, const std::vector<std::string>& arguments) {
        std::vector<std::string> all{"exec", "--name", "lb",
                                     host,   "--",     "/opt/understudy/bin/understudy-test-peer"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return understudy(all);
    }
    std::string asked(const std::string& from, const std::string& address, int port) {
        return inside(from, {"ask", std::to_string(port), address}).out;
    }
    // Asked again until somebody answers: probes need a moment to find who listens.
    std::string answered(const std::string& from, const std::string& address, int port) {
        const auto end = std::chrono::steady_clock::now() + 30s;
        std::string line;
        while (line.empty() && std::chrono::steady_clock::now() < end) line = asked(from, address, port);
        return line;
    }
    static bool has(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }
};

constexpr const char* frontend = "203.0.113.10";
constexpr const char* outside = "network-map";  // 203.0.113.40

TEST_F(Balancer, a_rule_for_all_ports_leads_every_port_to_the_same_port) {
    ASSERT_NO_FATAL_FAILURE(bring_up("rules=[{name: ha, protocol: all, probe: up}]"));
    for (const int port : {7001, 7002}) {
        const std::string line = answered(outside, frontend, port);
        EXPECT_TRUE(has(line, " from 203.0.113.40:")) << line;
        EXPECT_TRUE(has(line, fmt::format(" to 192.0.2.1{}:{}", has(line, "one") ? 1 : 2, port))) << line;
    }
}

TEST_F(Balancer, an_inbound_nat_rule_leads_to_its_machine_and_no_other_port_leads_anywhere) {
    ASSERT_NO_FATAL_FAILURE(bring_up(
        "inbound_nat_rules=[{name: to-two, frontend_port: 2202, machine: two, backend_port: 7002}]"));
    for (int i = 0; i < 4; ++i) {
        const std::string line = answered(outside, frontend, 2202);
        EXPECT_TRUE(has(line, "two from 203.0.113.40:")) << line;
        EXPECT_TRUE(has(line, " to 192.0.2.12:7002")) << line;
    }
    EXPECT_EQ(asked(outside, frontend, 2203), "");
}

TEST_F(Balancer, what_a_machine_opens_outside_has_the_frontends_address_and_a_port_of_its_own) {
    ASSERT_NO_FATAL_FAILURE(bring_up("outbound={ports_per_backend: 64}"));
    const Outcome started = inside(outside, {"answer", "9000", "outside"});
    ASSERT_EQ(started.status, 0) << started.err;
    for (const auto& [host, first] : {std::pair{"one", 1024}, {"two", 1088}}) {
        const std::string line = answered(host, "203.0.113.40", 9000);
        const std::string before = fmt::format("outside from {}:", frontend);
        ASSERT_TRUE(has(line, before)) << line;
        const int port = std::atoi(line.c_str() + before.size());
        EXPECT_GE(port, first) << line;
        EXPECT_LT(port, first + 64) << line;
    }
    // Within the virtual network nothing is translated.
    const std::string near = answered("one", "192.0.2.12", 7001);
    EXPECT_TRUE(has(near, "two from 192.0.2.11:")) << near;
}

TEST_F(Balancer, with_floating_ip_the_machine_answers_from_the_frontends_own_address) {
    ASSERT_NO_FATAL_FAILURE(bring_up(
        "rules=[{name: web, frontend_port: 7001, backend_port: 7001, probe: up, floating_ip: true}]"));
    for (const char* host : {"one", "two"}) {
        const Outcome added = understudy(
            {"exec", "--name", "lb", host, "--", "ip", "address", "add", "203.0.113.10/32", "dev", "lo"});
        ASSERT_EQ(added.status, 0) << added.err;
    }
    const std::string line = answered(outside, frontend, 7001);
    EXPECT_TRUE(has(line, " from 203.0.113.40:")) << line;
    EXPECT_TRUE(has(line, " to 203.0.113.10:7001")) << line;
}

}  // namespace
}  // namespace understudy::test
