// SPDX-License-Identifier: Apache-2.0
// PassthroughRules::table(): the chains, maps and counters. Chains that a packet of an established flow meets
// are short on purpose; the nat chains see the first packet of a flow only.
#include <fmt/format.h>

#include "base/assert.hpp"
#include "lb/core/passthrough_ids.hpp"
#include "lb/core/passthrough_rules.hpp"

namespace understudy::lb {
namespace {

using Settings = PassthroughSettings;

// The seed is fixed: a balancer that starts again spreads flows as before.
constexpr const char* hash_seed = "0x5eed";

const char* hashed_fields(Distribution distribution) {
    switch (distribution) {
        case Distribution::five_tuple:
            return "ip saddr . th sport . ip daddr . th dport . meta l4proto";
        case Distribution::source_ip:
            return "ip saddr . ip daddr";
        case Distribution::source_ip_protocol:
            break;
    }
    return "ip saddr . ip daddr . meta l4proto";
}

std::vector<const char*> protocols_of(FlowProtocol protocol) {
    if (protocol == FlowProtocol::tcp) return {"tcp"};
    if (protocol == FlowProtocol::udp) return {"udp"};
    return {"tcp", "udp"};
}

class Builder {
  public:
    Builder(const PassthroughRules& rules, const RoutingTable& routing,
            const std::map<std::string, std::uint16_t>& rule_ids)
        : rules_(rules),
          settings_(rules.settings()),
          routing_(routing),
          rule_ids_(rule_ids),
          frontend_(to_string(settings_.frontend)) {}

    NftTable build() {
        table_.name = "ip understudy-lb-" + settings_.name;
        base();
        for (std::size_t i = 0; i < settings_.rules.size(); ++i) add_rule(i);
        for (const auto& nat : settings_.inbound_nat) add_inbound_nat(nat);
        if (settings_.outbound) add_outbound(*settings_.outbound);
        close_ports();
        return std::move(table_);
    }

  private:
    void base() {
        table_.sets["ports"] = {"type inet_proto . inet_service : verdict;", {}, true};
        table_.sets["to_backend"] = {"type mark : counter;", {}, true};
        table_.sets["to_client"] = {"type mark : counter;", {}, true};
        table_.sets["backends"] = {"type ipv4_addr;", {}, false};
        for (const auto& backend : settings_.backends)
            table_.sets["backends"].elements[to_string(backend.address)];
        for (const char* counter : {"no_rule", "resets"}) add_counter(counter);

        table_.chains["from_outside"] = {
            "type nat hook prerouting priority dstnat;",
            {fmt::format("ip daddr {} meta l4proto . th dport vmap @ports", frontend_)}};
        table_.chains["count_bytes"] = {
            "type filter hook postrouting priority mangle;",
            // What is cheap and tells most comes first: every packet meets these.
            {fmt::format("ct direction original ct original ip daddr {} counter name ct mark map @to_backend "
                         "accept",
                         frontend_),
             fmt::format("ct original ip daddr {} counter name ct mark map @to_client", frontend_)}};

        // A flow that was ended is told so for a while; the size bounds what many of them can take.
        table_.sets[ended_set] = {
            "type ipv4_addr . inet_service . ipv4_addr . inet_service; size 131072; timeout 2m;", {}, false};
        table_.sets["strays_to"] = {"type inet_service : verdict;", {}, true};
        table_.sets["strays_from"] = {"type ipv4_addr . inet_service : verdict;", {}, true};
        table_.chains["track"] = {
            "type filter hook prerouting priority mangle;",
            {"ct state new,invalid meta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn jump strays"}};
        table_.chains["strays"].rules = {
            fmt::format("ip saddr . tcp sport . ip daddr . tcp dport @{} goto reset_stray", ended_set),
            fmt::format("ip daddr {} tcp dport vmap @strays_to", frontend_),
            "ip saddr . tcp sport vmap @strays_from"};
        // `invalid` may be a late segment of a flow that lives: a reset would end it.
        table_.chains["reset_stray"].rules = {"ct state invalid drop",
                                              "counter name resets reject with tcp reset"};
        table_.chains["own_segments"] = {
            "type filter hook output priority raw;",
            {fmt::format("meta mark & 0xffff0000 == {:#x} notrack", own_segment_mark)}};
    }

    void add_counter(const std::string& name) { table_.objects["counter " + name] = "{ }"; }

    std::uint16_t id_of(const std::string& key) const { return rule_ids_.at(key); }

    // What every flow of a rule gets before it is given to a backend.
    std::vector<std::string> timeout_rules(FlowProtocol protocol, Duration idle_timeout) const {
        std::vector<std::string> lines;
        for (const char* name : protocols_of(protocol))
            lines.push_back(
                fmt::format("meta l4proto {0} ct timeout set {0}_{1}", name, seconds_of(idle_timeout)));
        return lines;
    }

    std::string destination(const Settings::Rule& rule, std::size_t backend) const {
        if (rule.floating_ip) return "accept";
        const std::string address = to_string(settings_.backends.at(backend).address);
        if (rule.protocol == FlowProtocol::all) return "dnat to " + address;
        return fmt::format("meta l4proto {} dnat to {}:{}", protocols_of(rule.protocol).front(), address,
                           rule.backend_port);
    }

    // The port leads to the chain; what of it outlives its flow is answered as the rule says.
    void take_port(const Settings::Rule& rule, const std::string& chain,
                   const std::vector<std::size_t>& backends) {
        const char* stray = rule.tcp_reset ? "goto reset_stray" : "drop";
        floating_ = floating_ || rule.floating_ip;
        if (rule.protocol == FlowProtocol::all) {
            every_port_.push_back(
                fmt::format("ip daddr {} meta l4proto {{ tcp, udp }} goto {}", frontend_, chain));
            other_strays_.push_back(fmt::format("ip daddr {} {}", frontend_, stray));
            other_strays_.push_back(rule.floating_ip ? fmt::format("ip saddr {} {}", frontend_, stray)
                                                     : fmt::format("ip saddr @backends {}", stray));
            return;
        }
        const char* protocol = protocols_of(rule.protocol).front();
        table_.sets["ports"].elements[fmt::format("{} . {}", protocol, rule.frontend_port)] = "goto " + chain;
        if (rule.protocol != FlowProtocol::tcp) return;
        table_.sets["strays_to"].elements[fmt::format("{}", rule.frontend_port)] = stray;
        auto& from = table_.sets["strays_from"].elements;
        for (const std::size_t backend : backends) {
            // Two rules may lead to one port: then one that resets is enough.
            auto& verdict =
                from[rule.floating_ip ? fmt::format("{} . {}", frontend_, rule.frontend_port)
                                      : fmt::format("{} . {}", to_string(settings_.backends[backend].address),
                                                    rule.backend_port)];
            if (verdict != "goto reset_stray") verdict = stray;
        }
    }

    void add_rule(std::size_t index) {
        const auto& rule = settings_.rules[index];
        const std::string chain = fmt::format("rule{}", id_of("rule " + rule.name));
        table_.sets[chain + "_buckets"] = {
            fmt::format("type mark : verdict; size {};", bucket_count), {}, true};
        std::vector<std::size_t> everyone;
        for (std::size_t backend = 0; backend < settings_.backends.size(); ++backend) {
            everyone.push_back(backend);
            const MarkedFlow flow{index, backend};
            const std::string mark = fmt::format("{:#010x}", rules_.mark_of(flow));
            for (const auto& counter : {rules_.flows_counter(flow), rules_.to_backend_counter(flow),
                                        rules_.to_client_counter(flow)})
                add_counter(counter);
            table_.sets["to_backend"].elements[mark] = rules_.to_backend_counter(flow);
            table_.sets["to_client"].elements[mark] = rules_.to_client_counter(flow);
            table_.chains[flow_name(rules_.mark_of(flow))].rules = {fmt::format(
                "ct mark set {} counter name {} {} comment \"{} {}\"", mark, rules_.flows_counter(flow),
                destination(rule, backend), rule.name, settings_.backends[backend].host)};
        }
        std::vector<Candidate> eligible;
        for (const std::size_t backend : routing_.rules.at(index).eligible)
            eligible.push_back({backend, identity_of(settings_.backends.at(backend).host)});
        const auto buckets = bucket_table(eligible);
        for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket)
            table_.sets[chain + "_buckets"].elements[fmt::format("{:#05x}", bucket)] =
                "goto " + flow_name(rules_.mark_of({index, buckets[bucket]}));

        auto& lines = table_.chains[chain].rules;
        lines = timeout_rules(rule.protocol, rule.idle_timeout);
        // The mark holds the bucket until the backend's chain writes its own: nothing else is at hand that a
        // map of this nftables takes as a key.
        lines.push_back(fmt::format("ct mark set jhash {} mod {} seed {}", hashed_fields(rule.distribution),
                                    bucket_count, hash_seed));
        lines.push_back(fmt::format("ct mark vmap @{}_buckets", chain));
        lines.push_back(fmt::format("counter name {} drop", rules_.refused_counter(index)));
        add_counter(rules_.refused_counter(index));
        take_port(rule, chain, everyone);
    }

    void add_inbound_nat(const Settings::InboundNat& nat) {
        const std::uint16_t id = id_of("nat " + nat.rule.name);
        const std::string chain = flow_name(mark(id, rules_.backend_id(nat.backend)));
        auto& lines = table_.chains[chain].rules;
        lines = timeout_rules(nat.rule.protocol, nat.rule.idle_timeout);
        const std::string marked = fmt::format("{:#010x}", mark(id, rules_.backend_id(nat.backend)));
        for (const char* counted : {"flows_", "to_backend_", "to_client_"}) add_counter(counted + chain);
        table_.sets["to_backend"].elements[marked] = "to_backend_" + chain;
        table_.sets["to_client"].elements[marked] = "to_client_" + chain;
        lines.push_back(fmt::format("ct mark set {} counter name flows_{} {} comment \"{} {}\"", marked,
                                    chain, destination(nat.rule, nat.backend), nat.rule.name,
                                    settings_.backends.at(nat.backend).host));
        take_port(nat.rule, chain, {nat.backend});
    }

    void add_outbound(const Settings::Outbound& outbound) {
        table_.sets["inside"] = {"type ipv4_addr; flags interval; auto-merge;", {}, false};
        for (const auto& network : outbound.inside) table_.sets["inside"].elements[to_string(network)];
        table_.sets["outbound"] = {"type ipv4_addr : verdict;", {}, true};
        table_.sets["outbound_nat"] = {"type ipv4_addr : verdict;", {}, true};
        table_.sets["outbound_flows"] = {
            "type ipv4_addr . inet_proto . ipv4_addr . inet_service; size 65535; flags dynamic;", {}, false};
        add_counter("outbound_refused");
        const std::vector<std::string> not_ours = {"ct status & dnat == dnat accept",
                                                   "ip daddr @inside accept", "ip daddr @backends accept"};
        auto& budget = table_.chains["outbound_budget"];
        budget.hook = "type filter hook postrouting priority mangle;";
        budget.rules = {"ct state != new accept"};
        budget.rules.insert(budget.rules.end(), not_ours.begin(), not_ours.end());
        budget.rules.push_back("ip saddr vmap @outbound");
        auto& translate = table_.chains["outbound_translate"];
        translate.hook = "type nat hook postrouting priority srcnat;";
        translate.rules = not_ours;
        translate.rules.push_back("ip saddr vmap @outbound_nat");

        std::uint32_t first = first_outbound_port;
        for (std::size_t backend = 0; backend < settings_.backends.size(); ++backend) {
            const std::uint32_t last = first + outbound.ports_per_backend - 1;
            const std::uint16_t id = rules_.backend_id(backend);
            const std::string address = to_string(settings_.backends[backend].address);
            const std::string chain = fmt::format("outbound_backend{}", id);
            table_.sets["outbound"].elements[address] = "goto " + chain;
            table_.sets["outbound_nat"].elements[address] = fmt::format("goto {}_nat", chain);
            auto& lines = table_.chains[chain].rules;
            lines = timeout_rules(FlowProtocol::all, outbound.idle_timeout);
            lines.push_back(fmt::format(
                "meta l4proto {{ tcp, udp }} ct mark set {:#010x} add @outbound_flows {{ ip saddr . meta "
                "l4proto . ip daddr . th dport ct count over {} }} counter name outbound_refused drop",
                mark(outbound_rule_id, id), outbound.ports_per_backend));
            for (const char* protocol : {"tcp", "udp"})
                table_.chains[chain + "_nat"].rules.push_back(
                    fmt::format("meta l4proto {} snat to {}:{}-{}", protocol, frontend_, first, last));
            first = last + 1;
        }
        const char* stray = outbound.tcp_reset ? "goto reset_stray" : "drop";
        other_strays_.push_back(fmt::format("ip daddr {} {}", frontend_, stray));
        for (const char* own : {"@inside", "@backends"})
            other_strays_.push_back(fmt::format("ip saddr @backends ip daddr {} return", own));
        other_strays_.push_back(fmt::format("ip saddr @backends {}", stray));
    }

    // What no rule has said by now: flows and strays to the frontend end here, silently.
    void close_ports() {
        auto& flows = table_.chains["from_outside"].rules;
        flows.insert(flows.end(), every_port_.begin(), every_port_.end());
        flows.push_back(
            fmt::format("ip daddr {} meta l4proto {{ tcp, udp }} counter name no_rule drop", frontend_));
        auto& strays = table_.chains["strays"].rules;
        strays.insert(strays.end(), other_strays_.begin(), other_strays_.end());
        strays.push_back(fmt::format("ip daddr {} drop", frontend_));
        if (floating_)
            table_.chains["floating"] = {
                "type filter hook prerouting priority dstnat + 1;",
                {fmt::format("ip daddr {} ct mark != 0 meta mark set ct mark", frontend_)}};
    }

    const PassthroughRules& rules_;
    const Settings& settings_;
    const RoutingTable& routing_;
    const std::map<std::string, std::uint16_t>& rule_ids_;
    std::string frontend_;
    std::vector<std::string> every_port_;    // HA ports
    std::vector<std::string> other_strays_;  // after those that a port decides
    bool floating_ = false;
    NftTable table_;
};

}  // namespace

NftTable PassthroughRules::table(const RoutingTable& routing) const {
    UNDERSTUDY_ASSERT(routing.rules.size() == settings_.rules.size(), "a routing table of other rules");
    NftTable built = Builder(*this, routing, rule_ids_).build();
    built.objects.insert(timeouts_.begin(), timeouts_.end());
    return built;
}

}  // namespace understudy::lb
