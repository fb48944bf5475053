// SPDX-License-Identifier: Apache-2.0
// The data path `passthrough` as an nftables table: settings and a routing table in, NftTable out. Pure.
//
// A new flow (conntrack: the first packet of a flow) to the frontend is translated to one of its rule's
// eligible backends, found by jhash of what the rule's distribution takes of the flow, modulo bucket_count,
// in the rule's map of buckets. The client's address stays. Where nobody is eligible it is dropped without an
// answer, as in the cloud, and counted; so is a flow to a port that no rule has. Established flows go on,
// whatever changes. Floating IP: no translation; the packet is marked, and routed to the backend by that mark
// (lb/passthrough/backend_routes.hpp), for the backend answers from the frontend's address itself.
//
// Every flow carries a conntrack mark: the id of its rule above 16 bits, that of its backend below. Ids
// belong to names, and to the backend's address, and are never given to another while this object lives: so
// the flows of a rule that is gone are nobody else's.
//
// A TCP segment to the frontend or from a backend that belongs to no flow and opens none has outlived its
// flow. It is dropped, or answered by a reset where its rule has tcp_reset or where `ended_set` names it.
//
// Outbound: what a backend opens to an address outside `inside` leaves with the frontend's address and a port
// of the backend's own range, the ranges one after the other from first_outbound_port. So many flows of a
// backend may be open to one remote address, port and protocol at a time; more are dropped and counted. TCP
// and UDP only. Rule: the cloud's documentation of distribution modes, floating IP, outbound rules and TCP
// reset.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "lb/core/distribution.hpp"
#include "lb/core/nft_table.hpp"
#include "lb/core/routing.hpp"

namespace understudy::lb {

enum class FlowProtocol { tcp, udp, all };  // all: both, every port

struct PassthroughSettings {
    struct Backend {
        std::string host;
        Ipv4Address address;
    };
    // How a flow to the frontend is treated, whoever takes it. Ports are 0 with protocol all.
    struct Rule {
        std::string name;
        FlowProtocol protocol = FlowProtocol::tcp;
        std::uint16_t frontend_port = 0;
        std::uint16_t backend_port = 0;
        Distribution distribution = Distribution::five_tuple;
        Duration idle_timeout{0};  // rounded up to whole seconds: conntrack knows no less
        bool tcp_reset = false;
        bool floating_ip = false;
    };
    struct InboundNat {
        Rule rule;                // its name is apart from those of `rules`; distribution is without meaning
        std::size_t backend = 0;  // always this one
    };
    struct Outbound {
        std::uint16_t ports_per_backend = 1024;
        Duration idle_timeout{0};
        bool tcp_reset = false;
        std::vector<Ipv4Network> inside;  // not translated towards these, nor towards backends
    };
    std::string name;
    Ipv4Address frontend;
    std::vector<Backend> backends;  // hosts are unique
    std::vector<Rule> rules;        // names are unique
    std::vector<InboundNat> inbound_nat;
    std::optional<Outbound> outbound;
};

constexpr std::uint16_t first_outbound_port = 1024;
constexpr std::uint32_t outbound_ports = 64'000;  // of one frontend address
// Segments that the balancer itself sends have this in the mark's upper half, so that no flow comes of them.
constexpr std::uint32_t own_segment_mark = 0x7eed0000;
constexpr const char* ended_set = "ended";  // saddr . sport . daddr . dport of a flow that was ended

// What a conntrack mark says: places in the settings' rules and backends.
struct MarkedFlow {
    std::size_t rule = 0;
    std::size_t backend = 0;
    auto operator<=>(const MarkedFlow&) const = default;
};

class PassthroughRules {
  public:
    // Names become part of commands: letters, digits, '-', '_', '.', at most 80. Error kind bad_input, also
    // for outbound ranges that don't fit and for more names than ids. On an error nothing has changed.
    Result<void> configure(PassthroughSettings settings);

    // After configure(); `routing` has as many rules.
    NftTable table(const RoutingTable& routing) const;

    const PassthroughSettings& settings() const { return settings_; }
    std::uint32_t mark_of(MarkedFlow flow) const;
    std::uint16_t backend_id(std::size_t backend) const;
    // None for inbound NAT and outbound flows, and for rules and backends that are gone.
    std::optional<MarkedFlow> flow_of(std::uint32_t mark) const;
    // The inbound NAT rule whose flows have this mark, by its place; none for all others.
    std::optional<std::size_t> inbound_nat_of(std::uint32_t mark) const;
    // Whether flows of this mark are reset at their idle timeout; inbound NAT and outbound included.
    bool resets_idle(std::uint32_t mark) const;

    // The counters of a rule: what they count is in their names. Two for each direction's bytes.
    std::string flows_counter(MarkedFlow flow) const;       // packets: flows given to the backend
    std::string to_backend_counter(MarkedFlow flow) const;  // bytes
    std::string to_client_counter(MarkedFlow flow) const;   // bytes
    std::string refused_counter(std::size_t rule) const;    // packets: flows with no backend
    // What names the counters of an inbound NAT rule: flows_NAME, to_backend_NAME, to_client_NAME.
    std::string flow_of_inbound_nat(std::size_t nat) const;

  private:
    PassthroughSettings settings_;
    std::map<std::string, std::uint16_t> rule_ids_;  // "rule NAME" or "nat NAME" → id, from 1
    std::map<std::pair<std::string, Ipv4Address>, std::uint16_t> backend_ids_;
    // Timeouts that flows may still have stay when no rule has them any more.
    std::map<std::string, std::string> timeouts_;
};

}  // namespace understudy::lb
