// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/fabric.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "tests/integration/vmctl_pods/region.hpp"
#include "tests/integration/vmctl_pods/sockets.hpp"
#include "tests/support/eventually.hpp"
#include "vmctl/network/core/port_names.hpp"

namespace understudy::vmctl {
namespace {

using ::testing::HasSubstr;

const Ipv4Address address_a{0xC000020B};     // 192.0.2.11
const Ipv4Address address_b{0xCB00710A};     // 203.0.113.10
const Ipv4Address probe_source{0xA83F8110};  // 168.63.129.16

// `a` is in the virtual network, `b` outside and holds the probe source too.
struct TwoPods {
    explicit TwoPods(const std::string& group_of_a = "", std::vector<SecurityGroup> groups = {})
        : fabric(Fabric::create(test_config()).value()), a(ShellPod::start("a")), b(ShellPod::start("b")) {
        const auto set = fabric.set_security_groups(std::move(groups));
        EXPECT_TRUE(set.has_value()) << set.error().message();
        a.attach(fabric, {"a", {address_a}, group_of_a});
        b.attach(fabric, {"b", {address_b, probe_source}, ""});
    }
    Fabric fabric;
    ShellPod a;
    ShellPod b;
};

io::UniqueFd accepted(const io::UniqueFd& listener) {
    pollfd waiting{listener.get(), POLLIN, 0};
    ::poll(&waiting, 1, 2000);
    return io::UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

TEST(Fabric, two_pods_reach_each_other_through_it_and_nothing_else) {
    in_sandbox([] {
        TwoPods region;
        EXPECT_TRUE(pings(region.a, address_b));
        EXPECT_TRUE(pings(region.a, probe_source));
        EXPECT_TRUE(pings(region.b, address_a));
        EXPECT_FALSE(pings(region.a, address("192.0.2.99"), 100));
        EXPECT_FALSE(pings(region.a, gateway_address, 100)) << "the fabric is no host";
        EXPECT_THAT(region.a.run("cat /sys/class/net/eth0/address"), HasSubstr("02:55:c0:00:02:0b"));
        const io::UniqueFd listener = listen_in(region.b, 10010);
        EXPECT_TRUE(connect_from(region.a, {address_b, 10010}, 1000).valid());
    });
}

TEST(Fabric, a_cut_stops_one_direction_of_an_established_flow_at_once_and_a_mend_restores_it) {
    in_sandbox([] {
        TwoPods region;
        const io::UniqueFd receiver = datagram_socket_in(region.b, 5000);
        const io::UniqueFd back = datagram_socket_in(region.a, 5000);
        const io::UniqueFd listener = listen_in(region.b, 10010);
        const io::UniqueFd client = connect_from(region.a, {address_b, 10010}, 1000);
        ASSERT_TRUE(client.valid());
        const io::UniqueFd server = accepted(listener);
        ASSERT_TRUE(carries(client, server, 1000));

        ASSERT_TRUE(region.fabric.cut({{"a", "b"}}).has_value());
        EXPECT_FALSE(carries(client, server, 200));
        EXPECT_FALSE(datagram_arrives(region.a, address_a, {address_b, 5000}, receiver, 100));
        EXPECT_TRUE(datagram_arrives(region.b, address_b, {address_a, 5000}, back)) << "the other direction";

        ASSERT_TRUE(region.fabric.mend({{"a", "b"}}).has_value());
        char byte = 0;
        EXPECT_TRUE(test::eventually([&] { return ::recv(server.get(), &byte, 1, 0) == 1; }))
            << "the flow goes on";
        EXPECT_TRUE(datagram_arrives(region.a, address_a, {address_b, 5000}, receiver));
    });
}

TEST(Fabric, a_pair_that_two_faults_cut_is_mended_by_the_last) {
    in_sandbox([] {
        TwoPods region;
        ASSERT_TRUE(region.fabric.cut({{"a", "b"}}).has_value());
        ASSERT_TRUE(region.fabric.cut(region.fabric.pairs_of("a")).has_value());
        ASSERT_TRUE(region.fabric.mend({{"a", "b"}}).has_value());
        EXPECT_FALSE(pings(region.a, address_b, 100));
        ASSERT_TRUE(region.fabric.mend(region.fabric.pairs_of("a")).has_value());
        EXPECT_TRUE(pings(region.a, address_b));
        EXPECT_TRUE(region.fabric.mend({{"a", "b"}}).has_error());
        EXPECT_TRUE(region.fabric.cut({{"a", "nobody"}}).has_error());
    });
}

TEST(Fabric, packets_with_a_source_that_is_not_the_hosts_are_dropped) {
    in_sandbox([] {
        TwoPods region;
        const io::UniqueFd receiver = datagram_socket_in(region.b, 5000);
        EXPECT_EQ(region.a.run("ip addr add 192.0.2.12/32 dev eth0"), "[0]");
        EXPECT_FALSE(datagram_arrives(region.a, address("192.0.2.12"), {address_b, 5000}, receiver, 200));
        EXPECT_TRUE(datagram_arrives(region.a, address_a, {address_b, 5000}, receiver));
        const io::UniqueFd at_a = datagram_socket_in(region.a, 5000);
        EXPECT_TRUE(datagram_arrives(region.b, probe_source, {address_a, 5000}, at_a))
            << "its second address";
    });
}

TEST(Fabric, loss_drops_about_its_share_and_ends_when_set_to_zero) {
    in_sandbox([] {
        TwoPods region;
        const io::UniqueFd receiver = datagram_socket_in(region.b, 5000);
        ASSERT_TRUE(region.fabric.set_loss({"a", "b"}, 10).has_value());
        ASSERT_TRUE(region.fabric.set_loss({"a", "b"}, 99).has_value());
        int arrived = 0;
        for (int i = 0; i < 50; ++i) {
            arrived += datagram_arrives(region.a, address_a, {address_b, 5000}, receiver, 2) ? 1 : 0;
        }
        EXPECT_LT(arrived, 25);
        ASSERT_TRUE(region.fabric.set_loss({"a", "b"}, 0).has_value());
        for (int i = 0; i < 20; ++i) {
            EXPECT_TRUE(datagram_arrives(region.a, address_a, {address_b, 5000}, receiver));
        }
        EXPECT_TRUE(region.fabric.set_loss({"a", "b"}, 100).has_error());
    });
}

TEST(Fabric, an_unplugged_host_is_silent_and_the_same_port_returns) {
    in_sandbox([] {
        TwoPods region;
        const std::string interface = region.fabric.interface_of("b").value();
        ASSERT_TRUE(region.fabric.remove_port("b").has_value());
        ASSERT_TRUE(region.fabric.remove_port("b").has_value());
        const io::UniqueFd socket = socket_in(region.a, SOCK_DGRAM);
        EXPECT_EQ(region.a.run("exec 7<>/dev/udp/203.0.113.10/9; echo x >&7; sleep 0.05; echo x >&7"), "[0]")
            << "an ICMP answer would fail the second write";
        ASSERT_TRUE(region.fabric.cut({{"a", "b"}}).has_value()) << "a fault may come while it is away";
        region.b.attach(region.fabric, {"b", {address_b}, ""});
        EXPECT_EQ(region.fabric.interface_of("b").value(), interface);
        EXPECT_FALSE(pings(region.a, address_b, 100)) << "the cut stays with the host";
        ASSERT_TRUE(region.fabric.mend({{"a", "b"}}).has_value());
        EXPECT_TRUE(pings(region.a, address_b));
    });
}

TEST(Fabric, a_killed_pod_takes_its_link_along_and_a_new_one_gets_the_port) {
    in_sandbox([] {
        TwoPods region;
        ASSERT_TRUE(region.b.pod.kill().has_value());
        region.b.pod.release_network_namespace();
        ASSERT_TRUE(region.fabric.remove_port("b").has_value());
        region.b = ShellPod::start("b");
        region.b.attach(region.fabric, {"b", {address_b}, ""});
        EXPECT_TRUE(pings(region.a, address_b));
    });
}

TEST(Fabric, a_port_that_does_not_fit_is_refused_and_changes_nothing) {
    in_sandbox([] {
        TwoPods region;
        const ShellPod c = ShellPod::start("c");
        const int name_space = c.pod.network_namespace();
        EXPECT_THAT(region.fabric.add_veth_port({"c", {address_a}, ""}, name_space).error().message(),
                    HasSubstr("port of c: address 192.0.2.11 belongs to a"));
        EXPECT_TRUE(region.fabric.add_veth_port({"c", {address("10.0.0.1")}, ""}, name_space).has_error());
        EXPECT_TRUE(
            region.fabric.add_veth_port({"c", {address("192.0.2.13")}, "no-group"}, name_space).has_error());
        EXPECT_TRUE(region.fabric.add_veth_port({"a", {address("192.0.2.13")}, ""}, name_space).has_error());
        EXPECT_TRUE(region.fabric.add_veth_port({"c", {}, ""}, name_space).has_error());
        EXPECT_TRUE(region.fabric.add_veth_port({"c", {address("192.0.2.13")}, ""}, name_space).has_value());
    });
}

TEST(Fabric, a_tap_port_is_ready_for_an_emulator_and_carries_the_hosts_name) {
    in_sandbox([] {
        TwoPods region;
        if (::access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/net/tun is closed to this user";
        for (int i = 0; i < 2; ++i) {
            const auto tap =
                region.fabric.add_tap_port({"a-vm-with-a-long-name", {address("192.0.2.14")}, ""});
            ASSERT_TRUE(tap.has_value()) << tap.error().message();
            EXPECT_EQ(*tap, "p2");
            EXPECT_EQ(::system("ip -d link show p2 | grep -q 'tap.*vnet_hdr on' && "
                               "ip link show p2 | grep -q 'alias a-vm-with-a-long-name' && "
                               "ip route show dev p2 | grep -q '^192.0.2.14'"),
                      0);
            ASSERT_TRUE(region.fabric.remove_port("a-vm-with-a-long-name").has_value());
            EXPECT_NE(::system("ip link show p2 2>/dev/null"), 0);
        }
    });
}

SecurityGroup corda_group() {
    SecurityGroup group{"corda", {}};
    group.rules.push_back({"p2p",
                           100,
                           RuleDirection::inbound,
                           RuleAccess::allow,
                           RuleProtocol::tcp,
                           ServiceTag::internet,
                           AnyAddress{},
                           {{10010, 10010}}});
    return group;
}

TEST(Fabric, a_security_group_admits_what_it_allows_and_drops_the_rest) {
    in_sandbox([] {
        TwoPods region("corda", {corda_group()});
        const io::UniqueFd open = listen_in(region.a, 10010);
        const io::UniqueFd closed = listen_in(region.a, 10005);
        EXPECT_TRUE(connect_from(region.b, {address_a, 10010}, 1000).valid());
        EXPECT_FALSE(connect_from(region.b, {address_a, 10005}, 200).valid());
        EXPECT_FALSE(pings(region.b, address_a, 100));
        const io::UniqueFd at_b = listen_in(region.b, 5432);
        EXPECT_TRUE(connect_from(region.a, {address_b, 5432}, 1000).valid())
            << "answers are part of the flow";
    });
}

TEST(Fabric, a_changed_rule_touches_new_flows_only) {
    in_sandbox([] {
        TwoPods region("corda", {corda_group()});
        const io::UniqueFd listener = listen_in(region.a, 10010);
        const io::UniqueFd client = connect_from(region.b, {address_a, 10010}, 1000);
        const io::UniqueFd server = accepted(listener);
        ASSERT_TRUE(carries(client, server, 1000));
        ASSERT_TRUE(region.fabric.set_security_groups({SecurityGroup{"corda", {}}}).has_value());
        EXPECT_TRUE(carries(client, server, 1000));
        EXPECT_FALSE(connect_from(region.b, {address_a, 10010}, 200).valid());
        EXPECT_TRUE(region.fabric.set_security_groups({}).has_error()) << "a port uses it";
    });
}

TEST(Fabric, the_managing_side_reaches_hosts_past_their_groups_but_hosts_do_not_reach_it) {
    in_sandbox([] {
        TwoPods region("corda", {corda_group()});
        const io::UniqueFd listener = listen_in(region.a, 22);
        EXPECT_EQ(::system("timeout 2 bash -c ': < /dev/tcp/192.0.2.11/22'"), 0);
        EXPECT_FALSE(connect_from(region.a, {gateway_address, 22}, 100).valid());
    });
}

}  // namespace
}  // namespace understudy::vmctl
