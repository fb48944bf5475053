// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/settings.hpp"

#include <algorithm>

namespace understudy::lb {
namespace {

FlowProtocol protocol_of(RuleProtocol protocol) {
    if (protocol == RuleProtocol::tcp) return FlowProtocol::tcp;
    return protocol == RuleProtocol::udp ? FlowProtocol::udp : FlowProtocol::all;
}

template <typename From>
PassthroughSettings::Rule common(const From& from) {
    PassthroughSettings::Rule rule;
    rule.name = from.name;
    rule.protocol = protocol_of(from.protocol);
    rule.frontend_port = from.frontend_port;
    rule.backend_port = from.backend_port;
    rule.idle_timeout = from.idle_timeout;
    rule.tcp_reset = from.tcp_reset;
    rule.floating_ip = from.floating_ip;
    return rule;
}

}  // namespace

Result<PassthroughSettings> passthrough_settings(const Config& config) {
    PassthroughSettings settings;
    settings.name = config.name;
    settings.frontend = config.frontend;
    for (const Backend& backend : config.backends)
        settings.backends.push_back({backend.host, backend.address});
    for (const Rule& rule : config.rules) {
        if (rule.proxy_protocol)
            return Error(ErrorKind::bad_input, "rule " + rule.name,
                         "data_path passthrough adds no PROXY header: the backend sees the client's address")
                .with_remedy("leave proxy_protocol out, or set data_path: proxy");
        settings.rules.push_back(common(rule));
        settings.rules.back().distribution = rule.distribution;
    }
    for (const InboundNatRule& rule : config.inbound_nat_rules) {
        const auto host = std::find_if(config.backends.begin(), config.backends.end(),
                                       [&rule](const Backend& backend) { return backend.host == rule.host; });
        if (host == config.backends.end())
            return Error(ErrorKind::bad_input, "inbound NAT rule " + rule.name,
                         "there is no backend " + rule.host);
        PassthroughSettings::InboundNat nat;
        nat.rule = common(rule);
        nat.backend = static_cast<std::size_t>(host - config.backends.begin());
        settings.inbound_nat.push_back(std::move(nat));
    }
    if (config.outbound) {
        PassthroughSettings::Outbound outbound;
        outbound.ports_per_backend = config.outbound->ports_per_backend;
        outbound.idle_timeout = config.outbound->idle_timeout;
        outbound.tcp_reset = config.outbound->tcp_reset;
        outbound.inside = config.outbound->inside;
        settings.outbound = std::move(outbound);
    }
    return settings;
}

}  // namespace understudy::lb
