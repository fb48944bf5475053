// SPDX-License-Identifier: Apache-2.0
#include "lb/core/passthrough_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lb/core/passthrough_ids.hpp"

namespace understudy::lb {
namespace {

Result<void> check_name(const char* kind, const std::string& name) {
    const bool fits = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
    });
    if (fits && !name.empty() && name.size() <= 80) return {};
    return Error(ErrorKind::bad_input, fmt::format("{} '{}'", kind, name),
                 "data_path passthrough makes kernel objects of it")
        .with_remedy("use letters, digits, '-', '_' and '.', at most 80");
}

Result<void> check(const PassthroughSettings& settings) {
    UNDERSTUDY_CHECK(check_name("load balancer", settings.name));
    for (const auto& backend : settings.backends) UNDERSTUDY_CHECK(check_name("backend", backend.host));
    for (const auto& rule : settings.rules) UNDERSTUDY_CHECK(check_name("rule", rule.name));
    for (const auto& nat : settings.inbound_nat) UNDERSTUDY_CHECK(check_name("rule", nat.rule.name));
    if (!settings.outbound) return {};
    const auto wanted = settings.backends.size() * settings.outbound->ports_per_backend;
    if (wanted <= outbound_ports) return {};
    return Error(ErrorKind::bad_input, "outbound ports_per_backend",
                 fmt::format("{} backends would take {} ports, an address has {}", settings.backends.size(),
                             wanted, outbound_ports))
        .with_remedy(fmt::format("at most {}", outbound_ports / settings.backends.size() / 8 * 8));
}

// The id of `key`: the one it has, or the next. 0 where there are no more.
template <typename Ids, typename Key>
std::uint16_t id_in(Ids& ids, const Key& key, std::uint16_t last) {
    if (const auto known = ids.find(key); known != ids.end()) return known->second;
    if (ids.size() >= last) return 0;
    const auto id = static_cast<std::uint16_t>(ids.size() + 1);
    ids.emplace(key, id);
    return id;
}

}  // namespace

std::string seconds_of(Duration idle_timeout) {
    return fmt::format(
        "{}", std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(idle_timeout).count()));
}

Result<void> PassthroughRules::configure(PassthroughSettings settings) {
    UNDERSTUDY_CHECK(check(settings));
    auto rule_ids = rule_ids_;
    auto backend_ids = backend_ids_;
    bool exhausted = false;
    for (const auto& rule : settings.rules)
        exhausted = id_in(rule_ids, "rule " + rule.name, last_rule_id) == 0 || exhausted;
    for (const auto& nat : settings.inbound_nat)
        exhausted = id_in(rule_ids, "nat " + nat.rule.name, last_rule_id) == 0 || exhausted;
    for (const auto& backend : settings.backends)
        exhausted =
            id_in(backend_ids, std::pair(backend.host, backend.address), last_backend_id) == 0 || exhausted;
    if (exhausted)
        return Error(ErrorKind::failed, "load balancer " + settings.name,
                     "has had more rules or backends by different names than flows can be marked with")
            .with_number(last_rule_id)
            .with_remedy("restart it");
    rule_ids_ = std::move(rule_ids);
    backend_ids_ = std::move(backend_ids);
    settings_ = std::move(settings);

    const auto remember = [this](FlowProtocol protocol, Duration idle_timeout) {
        const std::string seconds = seconds_of(idle_timeout);
        // A half-closed flow is as idle as an open one.
        if (protocol != FlowProtocol::udp)
            timeouts_["ct timeout tcp_" + seconds] = fmt::format(
                "{{ protocol tcp; l3proto ip; policy = {{ established : {0}, fin_wait : {0}, "
                "close_wait : {0} }}; }}",
                seconds);
        if (protocol != FlowProtocol::tcp)
            timeouts_["ct timeout udp_" + seconds] = fmt::format(
                "{{ protocol udp; l3proto ip; policy = {{ unreplied : {0}, replied : {0} }}; }}", seconds);
    };
    for (const auto& rule : settings_.rules) remember(rule.protocol, rule.idle_timeout);
    for (const auto& nat : settings_.inbound_nat) remember(nat.rule.protocol, nat.rule.idle_timeout);
    if (settings_.outbound) remember(FlowProtocol::all, settings_.outbound->idle_timeout);
    return {};
}

std::uint16_t PassthroughRules::backend_id(std::size_t backend) const {
    const auto& of = settings_.backends.at(backend);
    return backend_ids_.at({of.host, of.address});
}

std::uint32_t PassthroughRules::mark_of(MarkedFlow flow) const {
    return mark(rule_ids_.at("rule " + settings_.rules.at(flow.rule).name), backend_id(flow.backend));
}

std::optional<MarkedFlow> PassthroughRules::flow_of(std::uint32_t mark) const {
    for (std::size_t rule = 0; rule < settings_.rules.size(); ++rule) {
        if (rule_ids_.at("rule " + settings_.rules[rule].name) != mark >> 16) continue;
        for (std::size_t backend = 0; backend < settings_.backends.size(); ++backend)
            if (backend_id(backend) == (mark & 0xffff)) return MarkedFlow{rule, backend};
    }
    return std::nullopt;
}

std::optional<std::size_t> PassthroughRules::inbound_nat_of(std::uint32_t mark) const {
    for (std::size_t nat = 0; nat < settings_.inbound_nat.size(); ++nat)
        if (rule_ids_.at("nat " + settings_.inbound_nat[nat].rule.name) == mark >> 16) return nat;
    return std::nullopt;
}

std::string PassthroughRules::flow_of_inbound_nat(std::size_t nat) const {
    const auto& of = settings_.inbound_nat.at(nat);
    return flow_name(mark(rule_ids_.at("nat " + of.rule.name), backend_id(of.backend)));
}

bool PassthroughRules::resets_idle(std::uint32_t mark) const {
    const std::uint32_t id = mark >> 16;
    if (id == outbound_rule_id) return settings_.outbound && settings_.outbound->tcp_reset;
    for (const auto& rule : settings_.rules)
        if (rule_ids_.at("rule " + rule.name) == id) return rule.tcp_reset;
    for (const auto& nat : settings_.inbound_nat)
        if (rule_ids_.at("nat " + nat.rule.name) == id) return nat.rule.tcp_reset;
    return false;
}

std::string PassthroughRules::flows_counter(MarkedFlow flow) const {
    return fmt::format("flows_{}", flow_name(mark_of(flow)));
}
std::string PassthroughRules::to_backend_counter(MarkedFlow flow) const {
    return fmt::format("to_backend_{}", flow_name(mark_of(flow)));
}
std::string PassthroughRules::to_client_counter(MarkedFlow flow) const {
    return fmt::format("to_client_{}", flow_name(mark_of(flow)));
}
std::string PassthroughRules::refused_counter(std::size_t rule) const {
    return fmt::format("refused_rule{}", rule_ids_.at("rule " + settings_.rules.at(rule).name));
}

}  // namespace understudy::lb
