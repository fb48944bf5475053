// SPDX-License-Identifier: Apache-2.0
// The table in the kernel: that every smallest change gives the table that a fresh start would, that a new
// configuration keeps what it should, and what is said where the rights or the namespace are missing.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>

#include "base/io/nftables.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "lb/core/passthrough_rules.hpp"
#include "passthrough_scene.hpp"

namespace understudy::lb {
namespace {

using vmctl::carries;
using vmctl::connect_from;
using vmctl::in_sandbox;
using vmctl::listen_in;

// A ruleset without what depends on its history: handles, and the order of everything but a chain's rules.
std::map<std::string, std::string> canonical(const std::string& document) {
    std::map<std::string, std::string> result;
    const json::value root = json::parse(document);
    for (const json::value& item : root.at("nftables").as_array()) {
        const auto& [kind, content] = *item.as_object().begin();
        if (kind == "metainfo") continue;
        json::object fields = content.as_object();
        fields.erase("handle");
        if (kind == "rule") {
            result[fmt::format("rule {}", fields.at("chain").as_string().c_str())] +=
                json::serialize(fields.at("expr")) + "\n";
            continue;
        }
        std::vector<std::string> elements;
        if (const json::value* listed = fields.if_contains("elem"))
            for (const json::value& element : listed->as_array())
                elements.push_back(json::serialize(element));
        fields.erase("elem");
        std::sort(elements.begin(), elements.end());
        result[fmt::format("{} {}", std::string(kind), fields.at("name").as_string().c_str())] =
            fmt::format("{}{}", json::serialize(fields), fmt::join(elements, "\n"));
    }
    return result;
}

// Settings with any of the features, drawn from a few names so that draws have much in common.
PassthroughSettings draw_settings(Random& random) {
    PassthroughSettings settings;
    settings.name = "lb";
    settings.frontend = frontend;
    for (const char* host : {"a", "b", "c"})
        if (random.below(3) != 0)
            settings.backends.push_back({host,
                                         {0xC000020B + static_cast<std::uint32_t>(host[0] - 'a') +
                                          static_cast<std::uint32_t>(10 * random.below(2))}});
    const auto draw_rule = [&random](const std::string& name, std::uint16_t port) {
        PassthroughSettings::Rule rule;
        rule.name = name;
        rule.protocol = random.below(2) == 0 ? FlowProtocol::tcp : FlowProtocol::udp;
        rule.frontend_port = port;
        rule.backend_port = static_cast<std::uint16_t>(8000 + random.below(2));
        rule.distribution = static_cast<Distribution>(random.below(3));
        rule.idle_timeout = 1s * static_cast<int>(1 + random.below(3));
        rule.tcp_reset = random.below(2) == 0;
        rule.floating_ip = random.below(4) == 0;
        return rule;
    };
    for (std::uint16_t i = 0; i < 3; ++i)
        if (random.below(3) != 0)
            settings.rules.push_back(
                draw_rule(fmt::format("rule-{}", i), static_cast<std::uint16_t>(80 + i)));
    if (random.below(4) == 0) {
        settings.rules.push_back(draw_rule("all", 0));
        settings.rules.back().protocol = FlowProtocol::all;
    }
    if (!settings.backends.empty() && random.below(2) == 0)
        settings.inbound_nat.push_back({draw_rule("nat", 2201), random.below(settings.backends.size())});
    if (random.below(2) == 0) {
        PassthroughSettings::Outbound outbound;
        outbound.ports_per_backend = static_cast<std::uint16_t>(8 * (1 + random.below(2)));
        outbound.idle_timeout = 4s;
        outbound.tcp_reset = random.below(2) == 0;
        if (random.below(2) == 0) outbound.inside = {*parse_network("192.0.2.0/24")};
        settings.outbound = outbound;
    }
    return settings;
}

RoutingTable draw_routing(Random& random, const PassthroughSettings& settings) {
    RoutingTable routing;
    for (std::size_t rule = 0; rule < settings.rules.size(); ++rule) {
        routing.rules.emplace_back();
        for (std::size_t backend = 0; backend < settings.backends.size(); ++backend)
            if (random.below(2) == 0) routing.rules.back().eligible.push_back(backend);
    }
    return routing;
}

TEST(PassthroughKernel, every_smallest_change_gives_the_table_of_a_fresh_start) {
    in_sandbox([] {
        auto nftables = io::Nftables::open();
        ASSERT_TRUE(nftables.has_value()) << nftables.error().message();
        Random random(20251123);
        PassthroughRules rules;
        NftTable in_force;
        const auto listed = [&nftables] {
            const auto text = nftables->run_for_json("list ruleset");
            EXPECT_TRUE(text.has_value());
            return canonical(text.value());
        };
        const auto run = [&nftables](const NftTransactions& transactions) {
            for (const std::string& commands : transactions) {
                const auto done = nftables->run(commands);
                EXPECT_TRUE(done.has_value()) << done.error().message() << "\n" << commands.substr(0, 2000);
            }
        };
        for (int round = 0; round < 30; ++round) {
            SCOPED_TRACE(round);
            // Every third change is one of health only.
            if (round % 3 != 1) {
                ASSERT_TRUE(rules.configure(draw_settings(random)).has_value());
            }
            const NftTable next = rules.table(draw_routing(random, rules.settings()));
            run(round == 0 ? render_table(next) : render_change(in_force, next));
            const auto after_change = listed();
            run(render_table(next));
            EXPECT_EQ(after_change, listed());
            ASSERT_GT(after_change.size(), 10U);
            in_force = next;
        }
    });
}

TEST(PassthroughKernel, a_new_configuration_keeps_flows_and_counters_of_what_stays) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[1], 8080);
        const io::UniqueFd other = listen_in(scene.backends[1], 8443);
        scene.open(scene.config(), everywhere(1, {0, 1}));
        ASSERT_TRUE(scene.path.route(everywhere(1, {1})).has_value());
        const io::UniqueFd client = connect_from(scene.client, front(80), answered_within_ms);
        const auto end = Scene::accept(listener, answered_within_ms);
        ASSERT_TRUE(client.valid() && end);

        Config next = scene.config();
        next.backends.erase(next.backends.begin());  // the one that stays moves to another place
        Rule added = next.rules[0];
        added.name = "secure";
        added.frontend_port = 443;
        added.backend_port = 8443;
        next.rules.insert(next.rules.begin(), added);
        const auto moved = scene.path.reconfigure(std::make_shared<const Config>(next), everywhere(2, {0}));
        ASSERT_TRUE(moved.has_value()) << moved.error().message();
        EXPECT_TRUE(carries(client, end->socket, answered_within_ms));
        EXPECT_EQ(scene.counters(0, 1).total, 1U);
        EXPECT_EQ(scene.counters(0, 1).established, 1U);
        EXPECT_EQ(scene.counters(0, 0).total, 0U);
        EXPECT_TRUE(connect_from(scene.client, front(443), answered_within_ms).valid());

        Config refused = next;
        refused.rules[0].proxy_protocol = true;
        const auto not_moved =
            scene.path.reconfigure(std::make_shared<const Config>(refused), everywhere(2, {0}));
        ASSERT_TRUE(not_moved.has_error());
        EXPECT_EQ(not_moved.error().kind, ErrorKind::bad_input);
        EXPECT_TRUE(scene.path.route(everywhere(1, {0})).has_error()) << "there are two rules";
        EXPECT_TRUE(scene.path.route(everywhere(2, {1})).has_error()) << "there is one backend";
        EXPECT_TRUE(connect_from(scene.client, front(443), answered_within_ms).valid());
        EXPECT_TRUE(carries(client, end->socket, answered_within_ms));
    });
}

// As in a region, where the balancer's pod is given the fabric's namespace as a file.
TEST(PassthroughKernel, works_in_the_namespace_that_the_configuration_names) {
    in_sandbox([] {
        Scene scene;
        const io::UniqueFd listener = listen_in(scene.backends[0], 8080);
        Config config = scene.config();
        config.network_namespace = "/proc/1/task/1/ns/net";
        bool opened = false;
        bool routed = false;
        std::thread([&] {
            ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
            opened = scene.path.open(std::make_shared<const Config>(config), everywhere(1, {})).has_value();
            routed = scene.path.route(everywhere(1, {0})).has_value();
        }).join();
        ASSERT_TRUE(opened && routed);
        EXPECT_TRUE(connect_from(scene.client, front(80), answered_within_ms).valid());
        EXPECT_EQ(scene.counters(0).total, 1U);
    });
}

TEST(PassthroughKernel, says_which_namespace_is_not_there_or_does_not_forward) {
    in_sandbox([] {
        boost::asio::io_context context;
        Config config;
        config.name = "lb";
        config.frontend = frontend;
        Passthrough path(context.get_executor());
        config.network_namespace = "/run/netns/none";
        const auto missing = path.open(std::make_shared<const Config>(config), {});
        ASSERT_TRUE(missing.has_error());
        EXPECT_EQ(missing.error().subject, "network namespace /run/netns/none");
        EXPECT_EQ(missing.error().kind, ErrorKind::bad_input);
        config.network_namespace.clear();
        const auto closed = path.open(std::make_shared<const Config>(config), {});
        ASSERT_TRUE(closed.has_error());
        EXPECT_EQ(closed.error().kind, ErrorKind::environment);
        EXPECT_EQ(closed.error().remedy, "run: sudo sysctl -w net.ipv4.ip_forward=1");
        EXPECT_EQ(io::Nftables::open()->run("list tables").value(), "") << "left behind";
    });
}

TEST(PassthroughKernel, without_the_rights_it_says_which_are_missing) {
    if (::getuid() == 0) GTEST_SKIP() << "root has them; the ordinary user's run shows it";
    boost::asio::io_context context;
    Passthrough path(context.get_executor());
    Config config;
    config.name = "lb";
    config.frontend = frontend;
    const auto refused = path.open(std::make_shared<const Config>(config), {});
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::environment);
    EXPECT_EQ(refused.error().remedy,
              "give this process CAP_NET_ADMIN and CAP_NET_RAW, or set data_path: proxy");
}

}  // namespace
}  // namespace understudy::lb
