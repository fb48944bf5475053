// SPDX-License-Identifier: Apache-2.0
// How flows end that don't end by themselves: idle timeouts, orders, a balancer that is closed or killed.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "lb/passthrough/conntrack.hpp"
#include "passthrough_scene.hpp"

namespace understudy::lb {
namespace {

using vmctl::carries;
using vmctl::connect_from;
using vmctl::in_sandbox;
using vmctl::listen_in;

// A connection through the balancer, both ends.
struct Connection {
    io::UniqueFd client;
    io::UniqueFd backend;
};

Connection connect_through(Scene& scene, const io::UniqueFd& listener, std::uint16_t port = 80) {
    Connection made;
    made.client = connect_from(scene.client, front(port), answered_within_ms);
    EXPECT_TRUE(made.client.valid());
    if (auto accepted = Scene::accept(listener, answered_within_ms))
        made.backend = std::move(accepted->socket);
    EXPECT_TRUE(made.backend.valid());
    EXPECT_TRUE(carries(made.client, made.backend, answered_within_ms));
    return made;
}

TEST(PassthroughEnds, an_idle_flow_is_reset_at_both_ends_though_neither_speaks) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        Config config = scene.config();
        config.rules[0].idle_timeout = 1s;
        config.rules[0].tcp_reset = true;
        scene.open(config, everywhere(1, {0}));
        const Connection idle = connect_through(scene, listener);
        bool client_reset = false;
        bool backend_reset = false;
        EXPECT_TRUE(scene.runs_until([&] {
            client_reset = client_reset || was_reset(idle.client);
            backend_reset = backend_reset || was_reset(idle.backend);
            return client_reset && backend_reset;
        })) << "client "
            << client_reset << ", backend " << backend_reset;
        const auto traffic = scene.path.traffic();
        ASSERT_TRUE(traffic.has_value());
        EXPECT_EQ(traffic->rules[0].idle_timeouts, 1U);
        EXPECT_EQ(traffic->rules[0].backends[0].established, 0U);
    });
}

// A look through the kernel's table can take tens of milliseconds: no probe may wait for it.
TEST(PassthroughEnds, idle_flows_end_though_the_executor_does_nothing) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        auto ended = IdleFlows::open();
        ASSERT_TRUE(ended.has_value());
        Config config = scene.config();
        config.rules[0].idle_timeout = 100min;
        scene.open(config, everywhere(1, {0}));
        config.rules[0].idle_timeout = 1s;
        const auto changed =
            scene.path.reconfigure(std::make_shared<const Config>(config), everywhere(1, {0}));
        ASSERT_TRUE(changed.has_value()) << changed.error().message();
        const Connection idle = connect_through(scene, listener);
        pollfd told{ended->descriptor(), POLLIN, 0};
        EXPECT_EQ(::poll(&told, 1, answered_within_ms), 1);
        EXPECT_EQ(ended->take().size(), 1U);
    });
}

TEST(PassthroughEnds, without_tcp_reset_an_idle_flow_ends_in_silence) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        Config config = scene.config();
        config.rules[0].idle_timeout = 1s;
        scene.open(config, everywhere(1, {0}));
        const Connection idle = connect_through(scene, listener);
        ASSERT_TRUE(
            scene.runs_until([&scene] { return scene.path.traffic().value().rules[0].idle_timeouts == 1; }));
        EXPECT_FALSE(carries(idle.client, idle.backend, silence_ms));
        EXPECT_FALSE(carries(idle.backend, idle.client, silence_ms));
        EXPECT_FALSE(was_reset(idle.client));
        EXPECT_FALSE(was_reset(idle.backend));
    });
}

TEST(PassthroughEnds, a_flow_that_is_used_does_not_time_out) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        Config config = scene.config();
        config.rules[0].idle_timeout = 2s;
        config.rules[0].tcp_reset = true;
        scene.open(config, everywhere(1, {0}));
        const Connection used = connect_through(scene, listener);
        const Connection idle = connect_through(scene, listener);
        // Until the idle one has ended, and past it.
        ASSERT_TRUE(scene.runs_until([&] {
            EXPECT_TRUE(carries(used.backend, used.client, answered_within_ms));
            return was_reset(idle.client);
        }));
        EXPECT_TRUE(carries(used.client, used.backend, answered_within_ms));
    });
}

TEST(PassthroughEnds, ending_a_backends_flows_resets_both_ends_and_spares_other_backends) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd first = listen_in(scene.backends[0], 8080);
        const io::UniqueFd second = listen_in(scene.backends[1], 8080);
        scene.open(scene.config(), everywhere(1, {0}));
        const Connection ended = connect_through(scene, first);
        ASSERT_TRUE(scene.path.route(everywhere(1, {1})).has_value());
        const Connection spared = connect_through(scene, second);
        ASSERT_TRUE(scene.path.end_established({0, 0, "the test says so"}).has_value());
        bool client_reset = false;
        bool backend_reset = false;
        EXPECT_TRUE(scene.runs_until([&] {
            client_reset = client_reset || was_reset(ended.client);
            backend_reset = backend_reset || was_reset(ended.backend);
            return client_reset && backend_reset;
        })) << "client "
            << client_reset << ", backend " << backend_reset;
        EXPECT_TRUE(carries(spared.client, spared.backend, answered_within_ms));
        EXPECT_TRUE(carries(spared.backend, spared.client, answered_within_ms));
        const auto traffic = scene.path.traffic();
        ASSERT_TRUE(traffic.has_value());
        EXPECT_EQ(traffic->rules[0].idle_timeouts, 0U) << "it was ended, not idle";
    });
}

// The client must learn it even when the backend is gone for good.
TEST(PassthroughEnds, ending_the_flows_of_a_dead_backend_resets_the_client) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        scene.open(scene.config(), everywhere(1, {0}));
        const Connection ended = connect_through(scene, listener);
        ASSERT_TRUE(scene.fabric.remove_port("backend-0").has_value());
        ASSERT_TRUE(scene.path.end_established({0, 0, "the test says so"}).has_value());
        EXPECT_TRUE(scene.runs_until([&ended] { return was_reset(ended.client); }));
    });
}

TEST(PassthroughEnds, half_closed_flows_go_on_both_ways) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        scene.open(scene.config(), everywhere(1, {0}));
        const Connection from_client = connect_through(scene, listener);
        ASSERT_EQ(::shutdown(from_client.client.get(), SHUT_WR), 0);
        EXPECT_TRUE(carries(from_client.backend, from_client.client, answered_within_ms));
        const Connection from_backend = connect_through(scene, listener);
        ASSERT_EQ(::shutdown(from_backend.backend.get(), SHUT_WR), 0);
        EXPECT_TRUE(carries(from_backend.client, from_backend.backend, answered_within_ms));
        EXPECT_EQ(scene.counters(0).established, 2U);
    });
}

TEST(PassthroughEnds, a_balancer_that_is_killed_leaves_the_routing_and_the_next_one_takes_it_over) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        {
            Passthrough killed(scene.context.get_executor());
            const auto config = std::make_shared<const Config>(scene.config());
            ASSERT_TRUE(killed.open(config, everywhere(1, {0})).has_value());
        }
        const Connection old = connect_through(scene, listener);
        scene.open(scene.config(), everywhere(1, {1}));
        EXPECT_TRUE(carries(old.client, old.backend, answered_within_ms));
        EXPECT_EQ(scene.counters(0).established, 1U);
        EXPECT_EQ(scene.counters(0).total, 0U);
    });
}

TEST(PassthroughEnds, close_leaves_nothing_and_ends_its_flows) {
    in_sandbox([] {
        Scene scene({frontend});
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        const auto rules_before = scene.fabric.list_ruleset();
        Config config = scene.config();
        Rule floating = config.rules[0];
        floating.name = "floating";
        floating.frontend_port = 81;
        floating.backend_port = 81;
        floating.floating_ip = true;
        config.rules.push_back(floating);
        scene.open(config, everywhere(2, {0}));
        const Connection open = connect_through(scene, listener);
        scene.path.close();
        EXPECT_FALSE(carries(open.client, open.backend, silence_ms));
        EXPECT_FALSE(connect_from(scene.client, front(80), silence_ms).valid());
        const auto rules_after = scene.fabric.list_ruleset();
        ASSERT_TRUE(rules_before.has_value() && rules_after.has_value());
        EXPECT_EQ(rules_after->find("understudy-lb"), std::string::npos);
        EXPECT_EQ(scene.routing_rules(), 3U) << "the kernel's own";
    });
}

}  // namespace
}  // namespace understudy::lb
