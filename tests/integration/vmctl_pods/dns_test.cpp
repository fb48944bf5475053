// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/dns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/integration/vmctl_pods/region.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::vmctl {
namespace {

using ::testing::HasSubstr;

TEST(Dns, hosts_resolve_the_zones_names_through_dnsmasq_in_a_pod) {
    if (::access("/usr/sbin/dnsmasq", X_OK) != 0) GTEST_SKIP() << "dnsmasq is not installed";
    const test::ScratchDirectory scratch;
    const std::string directory = scratch.path();
    const DnsZone zone{"region.test",
                       {{"corda-lb", address("203.0.113.10")}, {"dns", address("203.0.113.2")}}};
    std::ofstream(directory + "/dnsmasq.conf") << dnsmasq_config(zone, address("203.0.113.2")).value();
    std::ofstream(directory + "/resolv.conf") << resolv_conf("region.test", address("203.0.113.2"));
    in_sandbox([&directory] {
        Fabric fabric = Fabric::create(test_config()).value();
        ShellPod server = ShellPod::start("dns", {{directory, "/etc/understudy", true}});
        ShellPod client = ShellPod::start("client", {{directory + "/resolv.conf", "/etc/resolv.conf", true}});
        server.attach(fabric, {"dns", {address("203.0.113.2")}, ""});
        client.attach(fabric, {"client", {address("192.0.2.11")}, ""});
        std::string command;
        for (const std::string& word : dnsmasq_argv("/etc/understudy/dnsmasq.conf")) command += word + " ";
        ASSERT_EQ(server.run(command + "2>/tmp/log </dev/null 3<&- >/dev/null &"), "[0]");
        EXPECT_TRUE(test::eventually([&client] {
            return client.run("getent ahostsv4 corda-lb.region.test | head -1").find("203.0.113.10") == 0;
        })) << server.run("cat /tmp/log");
        EXPECT_THAT(client.run("getent ahostsv4 corda-lb | head -1"), HasSubstr("203.0.113.10"))
            << "by search";
        EXPECT_THAT(client.run("getent hosts 203.0.113.10"), HasSubstr("corda-lb.region.test"))
            << "in reverse";
        EXPECT_EQ(client.run("getent ahostsv4 nobody.region.test"), "[2]");
        EXPECT_EQ(client.run("getent ahostsv4 www.example.com"), "[2]");
    });
}

}  // namespace
}  // namespace understudy::vmctl
