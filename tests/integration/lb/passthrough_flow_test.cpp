// SPDX-License-Identifier: Apache-2.0
// Where flows go: every rule's protocol, and what changes of the routing do to new flows and to old ones.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "passthrough_scene.hpp"

namespace understudy::lb {
namespace {

using vmctl::carries;
using vmctl::connect_from;
using vmctl::in_sandbox;
using vmctl::listen_in;

TEST(Passthrough, flows_are_spread_over_the_backends_and_keep_the_clients_address) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd first = listen_in(scene.backends[0], 8080);
        const io::UniqueFd second = listen_in(scene.backends[1], 8080);
        scene.open(scene.config(), everywhere(1, {0, 1}));
        std::array<std::uint64_t, 2> taken{};
        std::vector<io::UniqueFd> open;
        for (int i = 0; i < 40; ++i) {
            io::UniqueFd socket = connect_from(scene.client, front(80), answered_within_ms);
            ASSERT_TRUE(socket.valid());
            for (std::size_t backend = 0; backend < 2; ++backend) {
                auto accepted = Scene::accept(backend == 0 ? first : second, 0);
                if (!accepted) continue;
                ++taken[backend];
                EXPECT_EQ(accepted->peer.address, client_address);
                EXPECT_TRUE(carries(socket, accepted->socket, answered_within_ms));
                EXPECT_TRUE(carries(accepted->socket, socket, answered_within_ms));
                open.push_back(std::move(accepted->socket));
            }
            open.push_back(std::move(socket));
        }
        EXPECT_EQ(taken[0] + taken[1], 40U);
        EXPECT_GT(taken[0], 5U);
        EXPECT_GT(taken[1], 5U);
        for (std::size_t backend = 0; backend < 2; ++backend) {
            const FlowCounters counters = scene.counters(backend);
            EXPECT_EQ(counters.total, taken[backend]);
            EXPECT_EQ(counters.established, taken[backend]);
            EXPECT_GT(counters.bytes_to_backend, taken[backend] * 40);
            EXPECT_GT(counters.bytes_to_client, taken[backend] * 40);
        }
    });
}

TEST(Passthrough, a_change_of_the_routing_moves_new_flows_and_leaves_established_ones) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd first = listen_in(scene.backends[0], 8080);
        const io::UniqueFd second = listen_in(scene.backends[1], 8080);
        scene.open(scene.config(), everywhere(1, {0}));
        const io::UniqueFd old = connect_from(scene.client, front(80), answered_within_ms);
        const auto old_end = Scene::accept(first, answered_within_ms);
        ASSERT_TRUE(old.valid() && old_end);
        ASSERT_TRUE(scene.path.route(everywhere(1, {1})).has_value());
        for (int i = 0; i < 10; ++i) {
            const io::UniqueFd fresh = connect_from(scene.client, front(80), answered_within_ms);
            EXPECT_TRUE(fresh.valid() && Scene::accept(second, answered_within_ms));
        }
        EXPECT_FALSE(Scene::accept(first, 0));
        EXPECT_TRUE(carries(old, old_end->socket, answered_within_ms));
        EXPECT_TRUE(carries(old_end->socket, old, answered_within_ms));
    });
}

TEST(Passthrough, a_new_flow_with_no_eligible_backend_is_dropped_silently_and_counted) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd first = listen_in(scene.backends[0], 8080);
        scene.open(scene.config(), everywhere(1, {}));
        EXPECT_FALSE(connect_from(scene.client, front(80), silence_ms).valid());
        EXPECT_FALSE(Scene::accept(first, 0));
        const auto traffic = scene.path.traffic();
        ASSERT_TRUE(traffic.has_value());
        EXPECT_GE(traffic->rules[0].refused_no_backend, 1U);
        // The same rule serves again, and an answer would have come in time.
        ASSERT_TRUE(scene.path.route(everywhere(1, {0})).has_value());
        EXPECT_TRUE(connect_from(scene.client, front(80), silence_ms).valid());
        EXPECT_FALSE(connect_from(scene.client, front(81), silence_ms).valid()) << "no rule has port 81";
    });
}

// Of 12 connections of one client, those that came to the first backend.
int taken_by_the_first(Distribution distribution) {
    Scene scene;
    const io::UniqueFd first = listen_in(scene.backends[0], 8080);
    const io::UniqueFd second = listen_in(scene.backends[1], 8080);
    Config config = scene.config();
    config.rules[0].distribution = distribution;
    scene.open(config, everywhere(1, {0, 1}));
    int taken = 0;
    for (int i = 0; i < 12; ++i) {
        EXPECT_TRUE(connect_from(scene.client, front(80), answered_within_ms).valid());
        if (Scene::accept(first, 0)) ++taken;
    }
    return taken;
}

TEST(Passthrough, by_source_address_a_client_always_comes_to_the_same_backend) {
    for (const Distribution distribution : {Distribution::source_ip, Distribution::source_ip_protocol})
        in_sandbox([distribution] {
            const int taken = taken_by_the_first(distribution);
            EXPECT_TRUE(taken == 0 || taken == 12) << taken;
        });
}

// A network may lose a datagram, as while a link comes up: who asks by datagrams asks again, in the same
// flow.
bool is_heard(const io::UniqueFd& asking, const io::UniqueFd& server) {
    constexpr int again_ms = 200;
    for (int waited = 0; waited < answered_within_ms; waited += again_ms)
        if (carries(asking, server, again_ms)) return true;
    return false;
}

TEST(Passthrough, datagrams_reach_a_backend_and_its_answers_come_from_the_frontend) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd server = vmctl::datagram_socket_in(scene.backends[1], 5514);
        Config config = scene.config();
        config.rules[0].protocol = RuleProtocol::udp;
        config.rules[0].frontend_port = 514;
        config.rules[0].backend_port = 5514;
        scene.open(config, everywhere(1, {1}));
        // A connected socket takes datagrams from whom it is connected to only.
        const io::UniqueFd asking = vmctl::socket_in(scene.client, SOCK_DGRAM);
        ASSERT_EQ(connect_socket(asking, front(514)), 0);
        ASSERT_TRUE(is_heard(asking, server));
        ASSERT_EQ(connect_socket(server, {client_address, local_port(asking)}), 0);
        EXPECT_TRUE(carries(server, asking, answered_within_ms));
        EXPECT_EQ(scene.counters(1).total, 1U);
        EXPECT_EQ(scene.counters(1).established, 1U);
    });
}

TEST(Passthrough, ha_ports_take_every_port_of_both_protocols) {
    in_sandbox([] {
        Scene scene;
        Config config = scene.config();
        config.rules[0].protocol = RuleProtocol::all;
        config.rules[0].frontend_port = 0;
        config.rules[0].backend_port = 0;
        scene.open(config, everywhere(1, {1}));
        for (const std::uint16_t port : {22, 8080, 65535}) {
            const io::UniqueFd listener = listen_in(scene.backends[1], port);
            const io::UniqueFd socket = connect_from(scene.client, front(port), answered_within_ms);
            const auto accepted = Scene::accept(listener, answered_within_ms);
            ASSERT_TRUE(accepted) << port;
            EXPECT_EQ(accepted->local.port, port);
        }
        const io::UniqueFd server = vmctl::datagram_socket_in(scene.backends[1], 53);
        EXPECT_TRUE(vmctl::datagram_arrives(scene.client, client_address, front(53), server));
    });
}

TEST(Passthrough, an_inbound_nat_rule_leads_to_its_host_whatever_the_routing) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd shell = listen_in(scene.backends[1], 22);
        Config config = scene.config();
        InboundNatRule nat;
        nat.name = "ssh";
        nat.frontend_port = 2201;
        nat.host = "backend-1";
        nat.backend_port = 22;
        config.inbound_nat_rules = {nat};
        scene.open(config, everywhere(1, {}));
        const io::UniqueFd socket = connect_from(scene.client, front(2201), answered_within_ms);
        const auto accepted = Scene::accept(shell, answered_within_ms);
        ASSERT_TRUE(accepted);
        EXPECT_EQ(accepted->local.port, 22);
        EXPECT_TRUE(carries(socket, accepted->socket, answered_within_ms));
    });
}

TEST(Passthrough, with_floating_ip_the_backend_sees_the_frontends_address_and_a_returned_port_serves_again) {
    in_sandbox([] {
        Scene scene({frontend});
        const io::UniqueFd server = listen_in(scene.backends[1], 80);
        Config config = scene.config();
        config.rules[0].backend_port = 80;
        config.rules[0].floating_ip = true;
        scene.open(config, everywhere(1, {1}));
        const io::UniqueFd socket = connect_from(scene.client, front(80), answered_within_ms);
        const auto accepted = Scene::accept(server, answered_within_ms);
        ASSERT_TRUE(accepted);
        EXPECT_EQ(accepted->local, front(80));
        EXPECT_EQ(accepted->peer.address, client_address);
        EXPECT_TRUE(carries(socket, accepted->socket, answered_within_ms));
        EXPECT_EQ(scene.counters(1).established, 1U);
        // Routes go with the port they lead through.
        ASSERT_TRUE(scene.fabric.remove_port("backend-1").has_value());
        EXPECT_FALSE(connect_from(scene.client, front(80), silence_ms).valid());
        vmctl::PortSpec spec{"backend-1", {vmctl::address("192.0.2.12")}, ""};
        spec.floating = {frontend};
        scene.backends[1].attach(scene.fabric, spec);
        EXPECT_TRUE(
            scene.runs_until([&scene] { return connect_from(scene.client, front(80), silence_ms).valid(); }));
    });
}

TEST(Passthrough, what_backends_open_outside_has_the_frontends_address_until_the_ports_are_used_up) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd outside = listen_in(scene.client, 9000);
        const io::UniqueFd inside = listen_in(scene.backends[0], 9000);
        Config config = scene.config();
        OutboundRule outbound;
        outbound.ports_per_backend = 8;
        outbound.inside = {*parse_network("192.0.2.0/24")};
        config.outbound = outbound;
        scene.open(config, everywhere(1, {0, 1}));
        const io::UniqueFd near =
            connect_from(scene.backends[1], {vmctl::address("192.0.2.11"), 9000}, answered_within_ms);
        const auto near_end = Scene::accept(inside, answered_within_ms);
        ASSERT_TRUE(near.valid() && near_end);
        EXPECT_EQ(near_end->peer.address, vmctl::address("192.0.2.12"));
        std::vector<io::UniqueFd> open;
        for (int i = 0; i < 8; ++i) {
            open.push_back(connect_from(scene.backends[1], {client_address, 9000}, answered_within_ms));
            auto accepted = Scene::accept(outside, answered_within_ms);
            ASSERT_TRUE(accepted) << i;
            EXPECT_EQ(accepted->peer.address, frontend);
            EXPECT_GE(accepted->peer.port, 1032);  // the second backend's range
            EXPECT_LE(accepted->peer.port, 1039);
            open.push_back(std::move(accepted->socket));
        }
        EXPECT_FALSE(connect_from(scene.backends[1], {client_address, 9000}, silence_ms).valid());
        EXPECT_TRUE(connect_from(scene.backends[0], {client_address, 9000}, silence_ms).valid())
            << "the other backend has its own";
        const auto listed = scene.fabric.list_ruleset();
        ASSERT_TRUE(listed.has_value());
        const auto at = listed->find("counter outbound_refused");
        ASSERT_NE(at, std::string::npos);
        EXPECT_NE(listed->compare(listed->find("packets", at), 9, "packets 0"), 0);
    });
}

}  // namespace
}  // namespace understudy::lb
