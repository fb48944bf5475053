// SPDX-License-Identifier: Apache-2.0
#include "passthrough_scene.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "tests/support/process.hpp"

namespace understudy::lb {

const Ipv4Address frontend = vmctl::address("203.0.113.10");
const Ipv4Address client_address = vmctl::address("198.51.100.7");

Endpoint front(std::uint16_t port) {
    return {frontend, port};
}

namespace {

const std::vector<Ipv4Address> backend_addresses = {vmctl::address("192.0.2.11"),
                                                    vmctl::address("192.0.2.12")};

Endpoint from_sockaddr(const sockaddr_in& address) {
    return {Ipv4Address{ntohl(address.sin_addr.s_addr)}, ntohs(address.sin_port)};
}

}  // namespace

vmctl::Fabric Scene::make_fabric() {
    auto made = vmctl::Fabric::create(vmctl::test_config());
    EXPECT_TRUE(made.has_value()) << made.error().message();
    return std::move(*made);
}

Scene::Scene(const std::vector<Ipv4Address>& floating)
    : fabric(make_fabric()), client(vmctl::ShellPod::start("client")), path(context.get_executor()) {
    client.attach(fabric, {"client", {client_address}, ""});
    for (std::size_t i = 0; i < backend_addresses.size(); ++i) {
        const std::string name = fmt::format("backend-{}", i);
        backends.push_back(vmctl::ShellPod::start(name));
        vmctl::PortSpec spec{name, {backend_addresses[i]}, ""};
        spec.floating = floating;
        backends.back().attach(fabric, spec);
        for (const Ipv4Address address : floating)
            EXPECT_EQ(backends.back().run(fmt::format("ip addr add {}/32 dev lo", to_string(address))),
                      "[0]");
    }
}

Config Scene::config() const {
    Config config;
    config.name = "lb";
    config.data_path = DataPathKind::passthrough;
    config.frontend = frontend;
    for (std::size_t i = 0; i < backend_addresses.size(); ++i)
        config.backends.push_back({fmt::format("backend-{}", i), backend_addresses[i]});
    Rule rule;
    rule.name = "web";
    rule.frontend_port = 80;
    rule.backend_port = 8080;
    config.rules = {rule};
    return config;
}

void Scene::open(const Config& config, const RoutingTable& table) {
    const auto opened = path.open(std::make_shared<const Config>(config), table);
    if (opened.has_value()) return;
    ADD_FAILURE() << opened.error().message();
    // The sandbox's process: nothing after this would tell more.
    std::fflush(nullptr);
    ::_exit(1);
}

bool Scene::runs_until(const std::function<bool()>& condition, int limit_ms) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        context.restart();
        context.run_for(std::chrono::milliseconds(10));
    }
    return true;
}

std::optional<Accepted> Scene::accept(const io::UniqueFd& listener, int limit_ms) {
    pollfd waiting{listener.get(), POLLIN, 0};
    if (::poll(&waiting, 1, limit_ms) != 1) return std::nullopt;
    sockaddr_in peer{};
    sockaddr_in local{};
    socklen_t size = sizeof peer;
    io::UniqueFd socket(
        ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) return std::nullopt;
    size = sizeof local;
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local), &size), 0);
    return Accepted{std::move(socket), from_sockaddr(peer), from_sockaddr(local)};
}

std::size_t Scene::routing_rules() {
    const test::Outcome listed = test::run({"ip", "rule"}, {10s, {}, "/"});
    EXPECT_EQ(listed.status, 0) << listed.err;
    return static_cast<std::size_t>(std::count(listed.out.begin(), listed.out.end(), '\n'));
}

FlowCounters Scene::counters(std::size_t backend, std::size_t rule) {
    const auto traffic = path.traffic();
    EXPECT_TRUE(traffic.has_value()) << traffic.error().message();
    return traffic->rules.at(rule).backends.at(backend);
}

int connect_socket(const io::UniqueFd& socket, Endpoint to) {
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_addr.s_addr = htonl(to.address.bits);
    target.sin_port = htons(to.port);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target);
}

std::uint16_t local_port(const io::UniqueFd& socket) {
    sockaddr_in local{};
    socklen_t size = sizeof local;
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local), &size), 0);
    return ntohs(local.sin_port);
}

bool was_reset(const io::UniqueFd& socket) {
    pollfd waiting{socket.get(), POLLIN, 0};
    char byte = 0;
    return ::poll(&waiting, 1, 0) == 1 && ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) < 0 &&
           errno == ECONNRESET;
}

RoutingTable everywhere(std::size_t rules, std::vector<std::size_t> eligible) {
    RoutingTable table;
    table.rules.assign(rules, RuleRouting{std::move(eligible)});
    return table;
}

}  // namespace understudy::lb
