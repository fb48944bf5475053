// SPDX-License-Identifier: Apache-2.0
// The configuration of a load balancer as values, its reader and its writer. from_yaml(to_yaml(config)) gives
// an equal configuration. Every refusal is an Error of kind bad_input whose message has file:line:column for
// each mistake. What the file leaves out has the defaults given here; probes and rules name what they refer
// to, and the reader makes sure that it is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/config/node.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::lb {

enum class Sku { standard, basic };
enum class ProbeProtocol { tcp, http };

// What becomes of the established connections to a backend that goes down: reset ends them so that clients
// notice at once; keep leaves them to the backend, the idle timeout and dead_peer_timeout.
enum class OnBackendDown { reset, keep };

struct Backend {
    std::string host;
    Ipv4Address address;
    bool operator==(const Backend&) const = default;
};

struct Probe {
    std::string name;
    ProbeProtocol protocol = ProbeProtocol::tcp;
    std::uint16_t port = 0;
    std::string path = "/";  // of an HTTP probe
    Duration interval = 5s;
    Duration timeout = 5s;  // not above the interval, nor above 30 s for HTTP
    int threshold = 2;      // failures in a row
    bool operator==(const Probe&) const = default;
};

struct Rule {
    std::string name;
    std::uint16_t frontend_port = 0;
    std::uint16_t backend_port = 0;
    std::string probe;
    bool operator==(const Rule&) const = default;
};

struct Config {
    std::string name;
    Sku sku = Sku::standard;
    Ipv4Address frontend;
    std::optional<Ipv4Address> probe_source;  // probes leave from here; otherwise from where the route says
    std::vector<Backend> backends;
    std::vector<Probe> probes;
    std::vector<Rule> rules;
    Duration idle_timeout = 4min;      // no byte in either direction for so long ends a connection
    Duration connect_timeout = 3s;     // for each attempt to reach a backend
    Duration dead_peer_timeout = 60s;  // a backend that acknowledges nothing for so long is gone
    OnBackendDown on_backend_down = OnBackendDown::reset;
    int max_connections = 10'000;  // over all rules; more are reset
    bool operator==(const Config&) const = default;
};

Result<Config> load_config(const std::string& path);
Result<Config> config_from_tree(const config::Node& root);
std::string to_yaml(const Config& config);

const char* to_string(ProbeProtocol protocol);

}  // namespace understudy::lb
