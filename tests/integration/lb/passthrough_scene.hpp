// SPDX-License-Identifier: Apache-2.0
// What the tests of the data path passthrough share: a fabric with a client and two backends as its hosts,
// and the data path in its namespace. Ordinary sockets everywhere. Everything ends with the sandbox.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lb/passthrough/passthrough.hpp"
#include "tests/integration/vmctl_pods/region.hpp"
#include "tests/integration/vmctl_pods/sockets.hpp"

namespace understudy::lb {

constexpr int answered_within_ms = 3000;
constexpr int silence_ms = 300;  // long enough for any answer to have come

struct Accepted {
    io::UniqueFd socket;
    Endpoint peer;
    Endpoint local;
};

class Scene {
  public:
    // Attaches the hosts. `floating` are frontends that the backends may answer from; they have them on lo.
    explicit Scene(const std::vector<Ipv4Address>& floating = {});

    // A balancer of one rule: "web", TCP, frontend port 80 to backends' port 8080.
    Config config() const;
    void open(const Config& config, const RoutingTable& table);

    // Runs what waits on the executor until the condition holds; false after the limit.
    bool runs_until(const std::function<bool()>& condition, int limit_ms = 10'000);

    // One more connection on a listener, or nothing within the limit.
    static std::optional<Accepted> accept(const io::UniqueFd& listener, int limit_ms = 200);

    static std::size_t routing_rules();  // policy rules of the fabric

    FlowCounters counters(std::size_t backend, std::size_t rule = 0);

    vmctl::Fabric fabric;
    vmctl::ShellPod client;
    std::vector<vmctl::ShellPod> backends;
    boost::asio::io_context context;
    Passthrough path;

  private:
    static vmctl::Fabric make_fabric();
};

extern const Ipv4Address frontend;
extern const Ipv4Address client_address;
Endpoint front(std::uint16_t port);

int connect_socket(const io::UniqueFd& socket, Endpoint to);  // connect(2), without a wait
std::uint16_t local_port(const io::UniqueFd& socket);

// A read on the socket fails with a reset, now.
bool was_reset(const io::UniqueFd& socket);

// A table in which every rule has these backends.
RoutingTable everywhere(std::size_t rules, std::vector<std::size_t> eligible);

}  // namespace understudy::lb
