// SPDX-License-Identifier: Apache-2.0
// The configuration of a load balancer as values, its reader and its writer. from_yaml(to_yaml(config)) gives
// an equal configuration. The keys of the file are the names of the fields here. Every refusal is an Error of
// kind bad_input whose message has file:line:column for each mistake, among them what the chosen data path or
// sku can't do. What the file leaves out has the defaults given here; rules name what they refer to, and the
// reader makes sure that it is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/config/node.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "lb/core/backend_pool.hpp"
#include "lb/core/distribution.hpp"
#include "lb/core/probe_machine.hpp"

namespace understudy::lb {

enum class Sku { standard, basic };
enum class DataPathKind { passthrough, proxy };
enum class ProbeProtocol { tcp, http, https };
enum class RuleProtocol { tcp, udp, all };  // all: HA ports, every port of TCP and UDP

// proxy: what becomes of the established connections to a backend that goes down. reset ends them so that
// clients notice at once; keep leaves them to the backend, the idle timeout and dead_peer_timeout.
// passthrough always keeps them; a file that says data_path passthrough needn't say so.
enum class OnBackendDown { reset, keep };

struct Backend {
    std::string host;
    Ipv4Address address;
    bool enabled = true;  // false: by the administrator's will, no new flow, whatever the probes say
    bool operator==(const Backend&) const = default;
};

struct Probe {
    std::string name;
    ProbeProtocol protocol = ProbeProtocol::tcp;
    std::uint16_t port = 0;
    std::string path = "/";  // of an HTTP or HTTPS probe
    Duration interval = 5s;
    Duration timeout = 5s;  // not above the interval, nor above 30 s for HTTP and HTTPS
    int threshold = 2;
    ThresholdMode threshold_mode = ThresholdMode::unhealthy_threshold;
    NoHealthyBackends no_healthy_backends = NoHealthyBackends::all_down;
    bool operator==(const Probe&) const = default;
};

struct Rule {
    std::string name;
    RuleProtocol protocol = RuleProtocol::tcp;
    std::uint16_t frontend_port = 0;  // 0 with protocol all
    std::uint16_t backend_port = 0;   // 0 with protocol all: the port stays as it is
    std::string probe;
    Distribution distribution = Distribution::five_tuple;
    Duration idle_timeout = 4min;  // no byte in either direction for so long ends a flow; 100 ms to 100 min
    bool tcp_reset = false;        // an idle timeout is told to both sides by a reset
    bool floating_ip = false;      // passthrough: the backend sees the frontend's address, not its own
    bool proxy_protocol = false;   // proxy: a PROXY protocol v2 header goes ahead to the backend
    bool operator==(const Rule&) const = default;
};

// A frontend port that leads to one backend, whatever the probes say.
struct InboundNatRule {
    std::string name;
    RuleProtocol protocol = RuleProtocol::tcp;  // not all
    std::uint16_t frontend_port = 0;
    std::string host;
    std::uint16_t backend_port = 0;
    Duration idle_timeout = 4min;
    bool tcp_reset = false;
    bool floating_ip = false;
    bool operator==(const InboundNatRule&) const = default;
};

// passthrough: what the backends open to the outside has the frontend's address as its source, each backend
// with a range of source ports of its own. Past it, new flows are dropped.
struct OutboundRule {
    std::uint16_t ports_per_backend = 1024;  // a multiple of 8; all backends' together are 64,000 at most
    Duration idle_timeout = 4min;
    bool tcp_reset = false;
    std::vector<Ipv4Network> inside{};  // towards these and the backends nothing is translated
    bool operator==(const OutboundRule&) const = default;
};

struct Config {
    std::string name;
    Sku sku = Sku::standard;
    DataPathKind data_path = DataPathKind::proxy;
    Ipv4Address frontend;
    std::optional<Ipv4Address> probe_source;  // probes leave from here; otherwise from where the route says
    std::vector<Backend> backends;
    std::vector<Probe> probes;
    std::vector<Rule> rules;
    std::vector<InboundNatRule> inbound_nat_rules;
    std::optional<OutboundRule> outbound;
    Duration drain_timeout = 5min;  // what a draining backend still has then is ended
    std::string admin_socket;       // path of the administration's Unix socket; empty: none
    // passthrough
    std::string network_namespace;  // path of the namespace whose nftables to use; empty: the process's own
    // proxy
    int threads = 1;
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
const char* to_string(RuleProtocol protocol);

}  // namespace understudy::lb
