// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/counters.hpp"

#include "base/json.hpp"

namespace understudy::lb {

Result<NftCounters> read_counters(std::string_view document) {
    const Error odd(ErrorKind::failed, "nftables counters", "not the document that libnftables describes");
    boost::system::error_code failed;
    const json::value root = json::parse(document, failed);
    if (failed || !root.is_object()) return odd;
    const json::value* list = root.as_object().if_contains("nftables");
    if (list == nullptr || !list->is_array()) return odd;
    NftCounters counters;
    for (const json::value& item : list->as_array()) {
        if (!item.is_object()) return odd;
        const json::value* counter = item.as_object().if_contains("counter");
        if (counter == nullptr) continue;
        if (!counter->is_object()) return odd;
        const json::object& fields = counter->as_object();
        const json::value* name = fields.if_contains("name");
        const json::value* packets = fields.if_contains("packets");
        const json::value* bytes = fields.if_contains("bytes");
        if (name == nullptr || packets == nullptr || bytes == nullptr || !name->is_string() ||
            !packets->is_number() || !bytes->is_number())
            return odd;
        counters[std::string(name->as_string())] = {packets->to_number<std::uint64_t>(),
                                                    bytes->to_number<std::uint64_t>()};
    }
    return counters;
}

Traffic traffic_of(const Config& config, const PassthroughRules& rules, const NftCounters& counters) {
    const auto counter = [&counters](const std::string& name) {
        const auto found = counters.find(name);
        return found == counters.end() ? NftCounter{} : found->second;
    };
    Traffic traffic;
    for (std::size_t rule = 0; rule < config.rules.size(); ++rule) {
        RuleCounters& of = traffic.rules.emplace_back();
        of.refused_no_backend = counter(rules.refused_counter(rule)).packets;
        for (std::size_t backend = 0; backend < config.backends.size(); ++backend) {
            FlowCounters& flow = of.backends.emplace_back();
            flow.total = counter(rules.flows_counter({rule, backend})).packets;
            flow.bytes_to_backend = counter(rules.to_backend_counter({rule, backend})).bytes;
            flow.bytes_to_client = counter(rules.to_client_counter({rule, backend})).bytes;
        }
    }
    for (std::size_t nat = 0; nat < config.inbound_nat_rules.size(); ++nat) {
        const std::string name = rules.flow_of_inbound_nat(nat);
        FlowCounters& flow = traffic.inbound_nat.emplace_back();
        flow.total = counter("flows_" + name).packets;
        flow.bytes_to_backend = counter("to_backend_" + name).bytes;
        flow.bytes_to_client = counter("to_client_" + name).bytes;
    }
    return traffic;
}

}  // namespace understudy::lb
