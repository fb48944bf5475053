// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/documents.hpp"

#include <fmt/format.h>

#include "base/prometheus_text.hpp"

namespace understudy::lb {
namespace {

std::int64_t milliseconds_before(Instant now, Instant then) {
    return whole_milliseconds(now - then);
}

json::object document_of(const ProbeSnapshot& probe, Instant now) {
    json::array past;
    for (const PastResult& result : probe.past)
        past.push_back(json::object{{"ms_ago", milliseconds_before(now, result.at)},
                                    {"healthy", result.verdict.result.healthy},
                                    {"text", result.verdict.reason}});
    return {{"probe", probe.probe},
            {"health", to_string(probe.health)},
            {"reason", probe.reason},
            {"since_ms", milliseconds_before(now, probe.since)},
            {"past", std::move(past)}};
}

json::object document_of(const std::string& host, const FlowCounters& counters) {
    return {{"host", host},
            {"total", counters.total},
            {"established", counters.established},
            {"failed", counters.failed},
            {"bytes_to_backend", counters.bytes_to_backend},
            {"bytes_to_client", counters.bytes_to_client}};
}

// Names of rules, hosts and probes need no escape.
class Metric : public PrometheusMetric {
  public:
    Metric(std::string& out, const std::string& name, const char* type, const char* help)
        : PrometheusMetric(out, "understudy_lb_" + name, type, help) {}
};

}  // namespace

json::object state_document(const Snapshot& snapshot, const Config& config) {
    json::array backends, rules;
    for (const BackendSnapshot& backend : snapshot.backends) {
        json::array probes;
        for (const ProbeSnapshot& probe : backend.probes) probes.push_back(document_of(probe, snapshot.at));
        backends.push_back(json::object{{"host", backend.host},
                                        {"address", to_string(backend.address)},
                                        {"state", to_string(backend.state)},
                                        {"reason", backend.reason},
                                        {"probes", std::move(probes)}});
    }
    for (std::size_t place = 0; place < snapshot.rules.size(); ++place) {
        const RuleSnapshot& rule = snapshot.rules[place];
        const RuleCounters& counted = snapshot.traffic.rules.at(place);
        json::array eligible, flows;
        for (const std::string& host : rule.eligible) eligible.emplace_back(host);
        for (std::size_t backend = 0; backend < counted.backends.size(); ++backend)
            flows.push_back(document_of(snapshot.backends.at(backend).host, counted.backends[backend]));
        rules.push_back(json::object{{"name", rule.name},
                                     {"eligible", std::move(eligible)},
                                     {"falls_back", rule.falls_back},
                                     {"refused_no_backend", counted.refused_no_backend},
                                     {"refused_over_limit", counted.refused_over_limit},
                                     {"idle_timeouts", counted.idle_timeouts},
                                     {"backends", std::move(flows)}});
    }
    json::array inbound;
    for (std::size_t place = 0; place < snapshot.inbound_nat_rules.size(); ++place) {
        const InboundNatSnapshot& rule = snapshot.inbound_nat_rules[place];
        json::object entry = document_of(rule.host, snapshot.traffic.inbound_nat.at(place));
        entry["name"] = rule.name;
        inbound.push_back(std::move(entry));
    }
    return {{"name", snapshot.name},
            {"data_path", config.data_path == DataPathKind::proxy ? "proxy" : "passthrough"},
            {"frontend", to_string(config.frontend)},
            {"backends", std::move(backends)},
            {"rules", std::move(rules)},
            {"inbound_nat_rules", std::move(inbound)}};
}

std::string metrics_text(const Snapshot& snapshot) {
    std::string text;
    {
        Metric metric(text, "probe_up", "gauge", "1 while the probe finds the backend healthy.");
        for (const BackendSnapshot& backend : snapshot.backends)
            for (const ProbeSnapshot& probe : backend.probes)
                metric.sample(fmt::format("backend=\"{}\",probe=\"{}\"", backend.host, probe.probe),
                              probe.health == Health::up ? 1 : 0);
    }
    {
        Metric metric(text, "backend_state", "gauge", "1 for the state that the backend is in.");
        for (const BackendSnapshot& backend : snapshot.backends)
            metric.sample(fmt::format("backend=\"{}\",state=\"{}\"", backend.host, to_string(backend.state)),
                          1);
    }
    {
        Metric metric(text, "rule_eligible_backends", "gauge", "Backends that may take a new flow.");
        for (const RuleSnapshot& rule : snapshot.rules)
            metric.sample(fmt::format("rule=\"{}\"", rule.name), rule.eligible.size());
    }
    struct FlowMetric {
        const char* name;
        const char* type;
        const char* help;
        std::uint64_t FlowCounters::*value;
    };
    for (const FlowMetric& each :
         {FlowMetric{"flows_total", "counter", "Flows given to the backend.", &FlowCounters::total},
          FlowMetric{"flows_established", "gauge", "Flows open now.", &FlowCounters::established},
          FlowMetric{"attempts_failed_total", "counter", "Attempts on the backend that failed.",
                     &FlowCounters::failed},
          FlowMetric{"bytes_to_backend_total", "counter", "Bytes passed on to the backend.",
                     &FlowCounters::bytes_to_backend},
          FlowMetric{"bytes_to_client_total", "counter", "Bytes passed on to clients.",
                     &FlowCounters::bytes_to_client}}) {
        Metric metric(text, each.name, each.type, each.help);
        for (std::size_t rule = 0; rule < snapshot.rules.size(); ++rule) {
            const auto& backends = snapshot.traffic.rules.at(rule).backends;
            for (std::size_t backend = 0; backend < backends.size(); ++backend)
                metric.sample(fmt::format("rule=\"{}\",backend=\"{}\"", snapshot.rules[rule].name,
                                          snapshot.backends.at(backend).host),
                              backends[backend].*each.value);
        }
        // Names are unique over both kinds of rules.
        for (std::size_t rule = 0; rule < snapshot.inbound_nat_rules.size(); ++rule)
            metric.sample(fmt::format("rule=\"{}\",backend=\"{}\"", snapshot.inbound_nat_rules[rule].name,
                                      snapshot.inbound_nat_rules[rule].host),
                          snapshot.traffic.inbound_nat.at(rule).*each.value);
    }
    {
        Metric metric(text, "refused_total", "counter", "New flows that were refused, by reason.");
        for (std::size_t rule = 0; rule < snapshot.rules.size(); ++rule) {
            const RuleCounters& counted = snapshot.traffic.rules.at(rule);
            const std::string& name = snapshot.rules[rule].name;
            metric.sample(fmt::format("rule=\"{}\",reason=\"no_backend\"", name), counted.refused_no_backend);
            metric.sample(fmt::format("rule=\"{}\",reason=\"over_limit\"", name), counted.refused_over_limit);
        }
    }
    Metric metric(text, "idle_timeouts_total", "counter", "Flows that ended by the idle timeout.");
    for (std::size_t rule = 0; rule < snapshot.rules.size(); ++rule)
        metric.sample(fmt::format("rule=\"{}\"", snapshot.rules[rule].name),
                      snapshot.traffic.rules.at(rule).idle_timeouts);
    return text;
}

}  // namespace understudy::lb
