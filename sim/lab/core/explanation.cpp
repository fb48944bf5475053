// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/core/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::lab {
namespace {

// What undoes the faults that name the host; empty where none does.
std::string healing(const BackendFacts& facts) {
    if (facts.faults.empty()) return "";
    return fmt::format("understudy heal {}", facts.faults.front().id);
}

Explanation not_up_by_probe(const BackendFacts& facts, const ProbeFacts& probe) {
    const bool judged = probe.health != "unknown";
    const std::string verdict = fmt::format("{} takes no new flows: probe {} ({}){}: {}", facts.backend,
                                            probe.name, probe.target, judged ? "" : " has not judged it yet",
                                            probe.reason.empty() ? "no result so far" : probe.reason);
    if (!probe.allowed)
        return {fmt::format("{}; rule {} (priority {}) of security group {} denies it", verdict, probe.rule,
                            probe.priority, probe.group),
                fmt::format("let security group {} allow the probes: source AzureLoadBalancer ({}), with a "
                            "priority below {}",
                            probe.group, facts.probe_source, probe.priority)};
    if (!facts.faults.empty())
        return {fmt::format("{}; a fault is in force: {}", verdict, facts.faults.front().detail),
                healing(facts)};
    // One success more is all that is missing, or the threshold's next failure will say what is wrong.
    if (!judged) return {verdict, ""};
    if (facts.role == "standby")
        return {verdict + "; its node stands by and opens its ports once it has the lease", ""};
    return {verdict, fmt::format("look at what should listen there: understudy logs {}", facts.backend)};
}

}  // namespace

Explanation explain(const BackendFacts& facts) {
    if (facts.balancer_host_state != "running" || facts.state.empty())
        return {fmt::format("{} doesn't say what it knows: its host is {}", facts.balancer,
                            facts.balancer_host_state),
                facts.faults.empty() ? fmt::format("understudy logs {}", facts.balancer) : healing(facts)};
    if (facts.backend_host_state != "running")
        return {
            fmt::format("{} takes no new flows: its host is {}{}", facts.backend, facts.backend_host_state,
                        facts.faults.empty() ? "" : ", by " + facts.faults.front().detail),
            facts.faults.empty() ? fmt::format("understudy logs {}", facts.backend) : healing(facts)};
    if (facts.state == "disabled" || facts.state == "draining" || facts.state == "stopped")
        return {fmt::format("{} takes no new flows: {}", facts.backend, facts.reason),
                fmt::format(
                    "understudy exec {} -- understudy-lb admin --socket /run/understudy-lb.sock enable {}",
                    facts.balancer, facts.backend)};
    for (const char* health : {"down", "unknown"}) {
        const auto found = std::find_if(facts.probes.begin(), facts.probes.end(),
                                        [&](const ProbeFacts& probe) { return probe.health == health; });
        if (found != facts.probes.end()) return not_up_by_probe(facts, *found);
    }
    return {fmt::format("{} takes new flows: every probe succeeds", facts.backend), ""};
}

std::string explanation_text(const BackendFacts& facts, const Explanation& explanation) {
    std::string text = fmt::format("{}\n\n  host {}: {}, {}\n", explanation.verdict, facts.backend,
                                   facts.backend_host_state, facts.role);
    for (const ProbeFacts& probe : facts.probes) {
        text += fmt::format("  probe {}, {}: {}\n", probe.name, probe.target,
                            probe.health == "unknown" ? "not judged yet" : probe.health);
        text += probe.group.empty()
                    ? "    no security group: everything is allowed\n"
                    : fmt::format("    security group {}: rule {} (priority {}) {} it\n", probe.group,
                                  probe.rule, probe.priority, probe.allowed ? "allows" : "denies");
        for (const std::string& result : probe.past) text += fmt::format("    {}\n", result);
    }
    for (const FaultFacts& fault : facts.faults) text += fmt::format("  fault {}\n", fault.detail);
    text += explanation.fix.empty() ? "\nnothing to fix\n" : fmt::format("\nto fix: {}\n", explanation.fix);
    return text;
}

}  // namespace understudy::lab
