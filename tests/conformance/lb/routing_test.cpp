// SPDX-License-Identifier: Apache-2.0
// Which backend a flow reaches, and that the table is followed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "fixture.hpp"
#include "lb/core/proxy_header.hpp"
#include "lb/proxy/socket_options.hpp"

namespace understudy::lb::conformance {
namespace {

using ::testing::HasSubstr;

class Routing : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Over, Routing, ::testing::ValuesIn(data_paths()),
                         ::testing::PrintToStringParamName());

TEST_P(Routing, by_five_tuple_one_client_reaches_every_backend_and_all_are_counted) {
    serve_echo();
    open_to({0, 1, 2});
    std::map<std::string, std::uint64_t> reached;
    for (int i = 0; i < 90; ++i) ++reached[who_answers()];
    EXPECT_EQ(reached.count(""), 0U) << "connections were not taken";
    const RuleCounters counted = counters_when([](const RuleCounters& now) {
        std::uint64_t sum = 0;
        for (const FlowCounters& backend : now.backends) sum += backend.total;
        return sum == 90;
    });
    ASSERT_EQ(counted.backends.size(), backend_count);
    for (std::size_t i = 0; i < backend_count; ++i) {
        // Of 90 flows a third each, give or take: 8 or fewer would come once in some ten million runs.
        EXPECT_GT(reached[backend_names[i]], 8U) << backend_names[i];
        EXPECT_EQ(counted.backends[i].total, reached[backend_names[i]]) << backend_names[i];
    }
}

TEST_P(Routing, by_source_address_a_client_stays_with_its_backend) {
    serve_echo();
    Config config = base_config();
    for (const Distribution distribution : {Distribution::source_ip, Distribution::source_ip_protocol}) {
        close();
        config.rules[0].distribution = distribution;
        open(config, to({0, 1, 2}));
        std::set<std::string> all;
        for (int last = 2; last <= 9; ++last) {
            const std::string source = "198.51.100." + std::to_string(last);
            std::set<std::string> of_one;
            for (int i = 0; i < 8; ++i) of_one.insert(who_answers(source));
            EXPECT_EQ(of_one.size(), 1U) << source;
            EXPECT_EQ(of_one.count(""), 0U) << source;
            all.merge(of_one);
        }
        EXPECT_GT(all.size(), 1U) << "eight clients all went to one backend";
    }
}

TEST_P(Routing, a_backend_that_leaves_the_table_keeps_its_flows_and_gets_no_new_one) {
    serve_echo();
    open_to({0, 1, 2});
    Peer old = connect_to("a");
    route(to({1, 2}));
    for (int i = 0; i < 40; ++i) {
        const std::string name = who_answers();
        EXPECT_THAT(name, ::testing::AnyOf("b", "c"));
    }
    ASSERT_TRUE(old.send("still here\n"));
    EXPECT_EQ(old.read_line(), "still here\n");
    route(to({0, 1, 2}));
    EXPECT_TRUE(connect_to("a").connected());
}

TEST_P(Routing, a_backend_that_goes_moves_only_its_own_clients_and_they_return_with_it) {
    serve_echo();
    Config config = base_config();
    config.rules[0].distribution = Distribution::source_ip;
    open(config, to({0, 1, 2}));
    const auto ask = [&] {
        std::map<std::string, std::string> answers;
        for (int last = 2; last <= 9; ++last) {
            const std::string source = "198.51.100." + std::to_string(last);
            answers[source] = who_answers(source);
        }
        return answers;
    };
    const auto before = ask();
    route(to({0, 2}));
    for (const auto& [source, name] : ask()) {
        if (before.at(source) == "b")
            EXPECT_NE(name, "b") << source;
        else
            EXPECT_EQ(name, before.at(source)) << source;
    }
    route(to({0, 1, 2}));
    EXPECT_EQ(ask(), before);
}

TEST_P(Routing, with_all_backends_out_nothing_is_taken_and_back_in_everything_is) {
    serve_echo();
    open_to({0, 1, 2});
    Peer old = connect_to("b");
    route(to({}));
    if (promises().refuses_with_reset) {
        for (int i = 0; i < 5; ++i) {
            Peer peer = connect();
            // The reset may come before connect() has returned.
            if (peer.connected()) {
                EXPECT_EQ(peer.read_error(), ECONNRESET);
            }
        }
        EXPECT_EQ(counters().refused_no_backend, 5U);
    } else {
        EXPECT_EQ(connect_error(), EINPROGRESS);
        EXPECT_GE(counters().refused_no_backend, 1U);
    }
    ASSERT_TRUE(old.send("still here\n"));
    EXPECT_EQ(old.read_line(), "still here\n");
    route(to({0, 1, 2}));
    for (int i = 0; i < 10; ++i) EXPECT_NE(who_answers(), "");
}

TEST_P(Routing, the_flows_of_one_backend_end_when_they_are_told_to_and_the_others_go_on) {
    serve_echo();
    open_to({0, 1, 2});
    Peer to_a = connect_to("a");
    Peer to_b = connect_to("b");
    route(to({1, 2}));
    end_established(0);
    if (!promises().ends_at_once) to_a.send("anybody?\n");
    EXPECT_EQ(to_a.read_error(), ECONNRESET);
    ASSERT_TRUE(to_b.send("still here\n"));
    EXPECT_EQ(to_b.read_line(), "still here\n");
    const RuleCounters left =
        counters_when([](const RuleCounters& now) { return now.backends.at(0).established == 0; });
    EXPECT_EQ(left.backends.at(0).established, 0U);
    EXPECT_GE(left.backends.at(1).established, 1U);
}

TEST_P(Routing, an_inbound_nat_rule_leads_to_its_backend_whatever_the_table_says) {
    for (std::size_t i = 0; i < backend_count; ++i) serve(i, echo(backend_names[i]), 22);
    Config config = base_config();
    InboundNatRule nat;
    nat.name = "ssh-b";
    nat.frontend_port = 2222;
    nat.host = "b";
    nat.backend_port = 22;
    config.inbound_nat_rules = {nat};
    open(config, to({}));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(who_answers(client_address, 2222), "b");
    Peer held = connect(client_address, 2222);
    EXPECT_EQ(who(held), "b");
    const FlowCounters counted =
        inbound_nat_when([](const FlowCounters& now) { return now.total == 5 && now.established == 1; });
    EXPECT_EQ(counted.total, 5U);
    EXPECT_EQ(counted.established, 1U);
    EXPECT_GE(counted.bytes_to_backend, 5 * 4U);
    EXPECT_GE(counted.bytes_to_client, 5 * 2U);
    EXPECT_EQ(counters().backends.at(1).total, 0U) << "they are no flows of the rule's";
}

TEST_P(Routing, the_backend_sees_the_address_that_is_promised) {
    std::vector<TestBackend*> served;
    for (std::size_t i = 0; i < backend_count; ++i) served.push_back(&serve(i, echo(backend_names[i])));
    open_to({1});
    EXPECT_EQ(who_answers("198.51.100.7"), "b");
    EXPECT_EQ(served[1]->last_client(), promises().keeps_client_address ? "198.51.100.7" : "192.0.2.1");
}

TEST_P(Routing, a_proxy_header_goes_ahead_to_the_backend_where_the_rule_says_so) {
    Config config = base_config();
    config.rules[0].proxy_protocol = true;
    if (!promises().writes_proxy_header) {
        const auto refused = try_to_open(config, to({0}));
        ASSERT_TRUE(refused.has_error());
        EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
        EXPECT_THAT(refused.error().message(), HasSubstr("PROXY header"));
        return;
    }
    serve(0, [](Peer& peer) {
        std::vector<std::uint8_t> bytes(proxy_header_bytes);
        if (::recv(peer.fd(), bytes.data(), bytes.size(), MSG_WAITALL) != proxy_header_bytes) return;
        const auto header = parse_proxy_header(bytes);
        if (header.has_error() || !header->has_value()) return;
        peer.send(to_string((*header)->source) + " to " + to_string((*header)->destination) + "\n");
        peer.send(peer.read_line());
    });
    open(config, to({0}));
    Peer peer = connect("198.51.100.5");
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ASSERT_EQ(::getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&own), &size), 0);
    ASSERT_TRUE(peer.send("and then the data\n"));
    EXPECT_EQ(peer.read_line(), to_string(from_sockaddr(own)) + " to 203.0.113.10:10010\n");
    EXPECT_EQ(peer.read_line(), "and then the data\n");
}

// A backend that has lost power answers no SYN. A listener whose queue is full doesn't either.
TEST_P(Routing, a_black_holed_backend_costs_what_is_promised_and_no_more) {
    serve(1, echo("b"));
    io::UniqueFd hole;
    const sockaddr_in address = to_sockaddr({*parse_address(backend_addresses[0]), backend_port});
    network_->as_backend(0, [&] {
        hole.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(hole.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(hole.get(), 0), 0);
    });
    std::vector<io::UniqueFd> fillers;
    network_->as_router([&] {
        for (int i = 0; i < 4; ++i) {
            fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            ::connect(fillers.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        }
    });
    Config config = base_config();
    config.connect_timeout = 200ms;
    config.rules[0].distribution = Distribution::source_ip;
    open(config, to({0, 1}));
    if (promises().retries_elsewhere) {
        for (int last = 2; last <= 9; ++last)
            EXPECT_EQ(who_answers("198.51.100." + std::to_string(last)), "b");
        const auto reason = attempts_.wait("a");
        ASSERT_TRUE(reason);
        EXPECT_THAT(*reason, HasSubstr("connect to 192.0.2.11:20020 not answered after"));
        EXPECT_GT(counters().backends.at(0).failed, 0U);
        return;
    }
    // The client tries again by itself; once the table has left the backend out it reaches another one.
    route(to({1}));
    for (int last = 2; last <= 9; ++last) EXPECT_EQ(who_answers("198.51.100." + std::to_string(last)), "b");
}

TEST_P(Routing, connections_above_the_limit_are_reset_over_all_threads_and_counted_where_that_is_promised) {
    serve_echo();
    Config config = base_config();
    config.max_connections = 8;
    open(config, to({0, 1, 2}));
    std::vector<Peer> taken;
    for (int i = 0; i < 8; ++i) {
        taken.push_back(connect());
        EXPECT_NE(who(taken.back()), "");
    }
    if (!promises().limits_connections) {
        EXPECT_NE(who_answers(), "");
        EXPECT_EQ(counters().refused_over_limit, 0U);
        return;
    }
    for (int i = 0; i < 4; ++i) {
        Peer peer = connect();
        if (peer.connected()) {
            EXPECT_EQ(peer.read_error(), ECONNRESET);
        }
    }
    EXPECT_EQ(counters().refused_over_limit, 4U);
    taken.pop_back();
    counters_when([](const RuleCounters& now) {
        std::uint64_t open = 0;
        for (const FlowCounters& backend : now.backends) open += backend.established;
        return open == 7;
    });
    EXPECT_NE(who_answers(), "");
}

}  // namespace
}  // namespace understudy::lb::conformance
