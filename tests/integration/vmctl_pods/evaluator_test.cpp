// SPDX-License-Identifier: Apache-2.0
// The evaluator that explains and the filter that enforces must agree: random groups, random flows, real
// sockets.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/random.hpp"
#include "tests/integration/vmctl_pods/region.hpp"
#include "tests/integration/vmctl_pods/sockets.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::vmctl {
namespace {

const std::vector<std::uint16_t> ports{53, 80, 443, 8080};

template <typename T>
const T& pick(Random& random, const std::vector<T>& from) {
    return from[random.below(from.size())];
}

AddressMatch random_match(Random& random) {
    const std::vector<const char*> texts{"*",
                                         "VirtualNetwork",
                                         "Internet",
                                         "AzureLoadBalancer",
                                         "192.0.2.0/28",
                                         "198.51.100.0/24,203.0.113.0/25",
                                         "203.0.113.21,203.0.113.0/24",
                                         "168.63.129.16,192.0.2.21"};
    return parse_address_match(pick(random, texts)).value();
}

SecurityGroup random_group(Random& random, const std::string& name) {
    SecurityGroup group{name, {}};
    const std::vector<const char*> port_texts{"*", "80", "50-100", "443,8080", "53,50-60,1-100", "8080"};
    for (int i = 0; i < 8; ++i) {
        SecurityRule rule;
        rule.name = "rule" + std::to_string(i);
        rule.priority = 4000 - i;
        rule.direction = random.chance(0.5) ? RuleDirection::inbound : RuleDirection::outbound;
        rule.access = random.chance(0.5) ? RuleAccess::allow : RuleAccess::deny;
        rule.protocol = pick(random, std::vector{RuleProtocol::any, RuleProtocol::tcp, RuleProtocol::udp});
        rule.source = random_match(random);
        rule.destination = random_match(random);
        rule.ports = parse_port_ranges(pick(random, port_texts)).value();
        group.rules.push_back(std::move(rule));
    }
    return group;
}

struct Host {
    ShellPod pod;
    std::vector<Ipv4Address> addresses;
    SecurityGroup group;
    std::vector<io::UniqueFd> listeners;              // TCP, one for each of `ports`
    std::map<std::uint16_t, io::UniqueFd> receivers;  // UDP
};

Host make_host(Fabric& fabric, const SecurityGroup& group, std::vector<Ipv4Address> addresses) {
    Host host{ShellPod::start(group.name), std::move(addresses), group, {}, {}};
    host.pod.attach(fabric, {group.name, host.addresses, group.name});
    for (const std::uint16_t port : ports) {
        host.listeners.push_back(listen_in(host.pod, port));
        host.receivers.emplace(port, datagram_socket_in(host.pod, port));
    }
    return host;
}

struct TriedFlow {
    Flow flow;
    bool expected = false;
    std::string why;
    io::UniqueFd socket;  // kept open: its port stays its own
    bool passed = false;
};

TriedFlow try_flow(const Host& from, const Host& to, Random& random, std::uint8_t number) {
    TriedFlow tried;
    tried.flow = {random.chance(0.5) ? RuleProtocol::tcp : RuleProtocol::udp, pick(random, from.addresses),
                  pick(random, to.addresses), pick(random, ports)};
    const ServiceTags tags{test_config().virtual_network, test_config().probe_source};
    const Verdict leaves = evaluate(from.group, RuleDirection::outbound, tried.flow, tags);
    const Verdict enters = evaluate(to.group, RuleDirection::inbound, tried.flow, tags);
    tried.expected = leaves.access == RuleAccess::allow && enters.access == RuleAccess::allow;
    tried.why = leaves.rule + ", " + enters.rule;
    const bool tcp = tried.flow.protocol == RuleProtocol::tcp;
    tried.socket = start_flow(from.pod, tcp ? SOCK_STREAM : SOCK_DGRAM, tried.flow.source,
                              {tried.flow.destination, tried.flow.destination_port}, number);
    return tried;
}

// Which flows have come through by now.
void look(std::vector<TriedFlow>& flows, const Host& to) {
    for (const auto& [port, receiver] : to.receivers) {
        std::uint8_t number = 0;
        while (::recv(receiver.get(), &number, 1, 0) == 1) flows[number].passed = true;
    }
    for (TriedFlow& tried : flows) {
        if (tried.flow.protocol != RuleProtocol::tcp) continue;
        pollfd state{tried.socket.get(), POLLOUT, 0};
        tried.passed = ::poll(&state, 1, 0) == 1 && (state.revents & (POLLERR | POLLHUP)) == 0;
    }
}

void compare(const Host& from, const Host& to, Random& random) {
    std::vector<TriedFlow> flows;
    for (std::uint8_t i = 0; i < 40; ++i) flows.push_back(try_flow(from, to, random, i));
    const auto all_expected_passed = [&] {
        look(flows, to);
        return std::all_of(flows.begin(), flows.end(),
                           [](const TriedFlow& f) { return f.passed || !f.expected; });
    };
    test::eventually(all_expected_passed);
    // What must not pass gets a little more time to do so.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    look(flows, to);
    for (const TriedFlow& tried : flows) {
        EXPECT_EQ(tried.passed, tried.expected)
            << (tried.flow.protocol == RuleProtocol::tcp ? "tcp " : "udp ") << to_string(tried.flow.source)
            << " to " << to_string(tried.flow.destination) << ":" << tried.flow.destination_port << " by "
            << tried.why;
    }
}

TEST(Evaluator, it_and_the_filter_agree_on_random_flows) {
    constexpr std::uint64_t seed = 20260701;
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    in_sandbox([] {
        Random random(seed);
        auto fabric = Fabric::create(test_config());
        ASSERT_TRUE(fabric.has_value()) << fabric.error().message();
        const auto groups = [&random] {
            return std::vector{random_group(random, "a"), random_group(random, "b")};
        };
        std::vector<SecurityGroup> now = groups();
        ASSERT_TRUE(fabric->set_security_groups(now).has_value());
        Host a = make_host(*fabric, now[0], {address("192.0.2.11"), address("203.0.113.11")});
        Host b = make_host(*fabric, now[1],
                           {address("192.0.2.21"), address("198.51.100.21"), address("203.0.113.21"),
                            address("168.63.129.16")});
        for (int round = 0; round < 8 && !::testing::Test::HasFailure(); ++round) {
            compare(a, b, random);
            compare(b, a, random);
            now = groups();
            const auto set = fabric->set_security_groups(now);
            ASSERT_TRUE(set.has_value()) << set.error().message();
            a.group = now[0];
            b.group = now[1];
        }
    });
}

}  // namespace
}  // namespace understudy::vmctl
