// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::lb {
namespace {

Error beyond(const std::string& subject, const std::string& what) {
    return Error(ErrorKind::bad_input, subject, fmt::format("the proxy data path can't do {}", what))
        .with_remedy("use data_path: passthrough");
}

template <typename AnyRule>
Result<void> check(const AnyRule& rule) {
    const std::string subject = fmt::format("rule '{}'", rule.name);
    if (rule.protocol != RuleProtocol::tcp) return beyond(subject, "other protocols than tcp");
    if (rule.floating_ip) return beyond(subject, "floating_ip");
    return {};
}

Result<std::size_t> place_of(const Config& config, const InboundNatRule& rule) {
    const auto found = std::find_if(config.backends.begin(), config.backends.end(),
                                    [&](const Backend& backend) { return backend.host == rule.host; });
    if (found == config.backends.end())
        return Error(ErrorKind::bad_input, fmt::format("inbound NAT rule '{}'", rule.name),
                     fmt::format("there is no backend '{}'", rule.host));
    return static_cast<std::size_t>(found - config.backends.begin());
}

}  // namespace

Result<std::shared_ptr<const Plan>> make_plan(const Config& config, const RoutingTable& table) {
    if (config.outbound) return beyond("outbound", "outbound rules");
    if (table.rules.size() != config.rules.size())
        return Error(ErrorKind::bad_input, "routing table",
                     fmt::format("is for {} rules, the configuration has {}", table.rules.size(),
                                 config.rules.size()));
    auto plan = std::make_shared<Plan>();
    plan->balanced = config.rules.size();
    plan->connect_timeout = config.connect_timeout;
    plan->dead_peer_timeout = config.dead_peer_timeout;
    plan->max_connections = static_cast<std::size_t>(config.max_connections);
    std::vector<Candidate> candidates;
    for (const Backend& backend : config.backends) {
        candidates.push_back({plan->backends.size(), identity_of(backend.host)});
        plan->backends.push_back({backend.host, backend.address});
    }
    for (std::size_t i = 0; i < config.rules.size(); ++i) {
        const Rule& rule = config.rules[i];
        UNDERSTUDY_CHECK(check(rule));
        PlannedRule planned{.name = rule.name,
                            .frontend = {config.frontend, rule.frontend_port},
                            .backend_port = rule.backend_port,
                            .distribution = rule.distribution,
                            .idle_timeout = rule.idle_timeout,
                            .proxy_protocol = rule.proxy_protocol,
                            .eligible = {}};
        for (const std::size_t backend : table.rules[i].eligible) {
            if (backend >= candidates.size())
                return Error(ErrorKind::bad_input, "routing table", "names a backend that there isn't")
                    .with_number(static_cast<std::int64_t>(backend));
            planned.eligible.push_back(candidates[backend]);
        }
        plan->rules.push_back(std::move(planned));
    }
    for (const InboundNatRule& rule : config.inbound_nat_rules) {
        UNDERSTUDY_CHECK(check(rule));
        UNDERSTUDY_TRY(const std::size_t backend, place_of(config, rule));
        plan->rules.push_back({.name = rule.name,
                               .inbound_nat = true,
                               .frontend = {config.frontend, rule.frontend_port},
                               .backend_port = rule.backend_port,
                               .distribution = Distribution::five_tuple,
                               .idle_timeout = rule.idle_timeout,
                               .proxy_protocol = false,
                               .eligible = {candidates[backend]}});
    }
    return std::shared_ptr<const Plan>(std::move(plan));
}

std::optional<std::size_t> route(const PlannedRule& rule, Endpoint client,
                                 std::span<const std::size_t> tried) {
    return choose({client, rule.frontend}, rule.eligible, tried, rule.distribution);
}

}  // namespace understudy::lb
