// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/bound.hpp"

#include <algorithm>
#include <numeric>

#include "sim/topology/queries.hpp"

namespace understudy::topology {
namespace {

constexpr Duration journal_lock_retry = 500ms;
constexpr Duration client_retry = 500ms;
constexpr Duration journal_monitor_period = 2s;
constexpr Duration shortest_share_timeout = 1s;
constexpr Duration exit_limit = 2s;

struct Timers {
    Duration probe_interval{};
    Duration probe_timeout{};
    int probe_threshold = 1;
    Duration client_lease{};
    Duration attempt_interval{};
    Duration attempt_timeout{};
};

// The slowest of everything that takes part; the share only when `on_share`.
Timers slowest_timers(const Topology& topology, bool on_share) {
    const std::vector<std::string> hosts = high_availability_hosts(topology);
    Timers timers;
    for (const auto& [name, balancer] : topology.load_balancers)
        for (const auto& [probe_name, probe] : balancer.probes) {
            timers.probe_interval = std::max(timers.probe_interval, probe.interval);
            timers.probe_timeout = std::max(timers.probe_timeout, probe.timeout);
            timers.probe_threshold = std::max(timers.probe_threshold, probe.threshold);
        }
    for (const auto& [name, machine] : topology.virtual_machines) {
        if (!on_share || std::find(hosts.begin(), hosts.end(), name) == hosts.end()) continue;
        for (const auto& [path, service] : machine.mounts)
            timers.client_lease =
                std::max(timers.client_lease, topology.file_services.at(service).client_lease);
    }
    for (const auto& [name, client] : topology.clients) {
        const auto interval =
            std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / client.rate_per_second));
        timers.attempt_interval = std::max(timers.attempt_interval, interval);
        timers.attempt_timeout = std::max(timers.attempt_timeout, client.timeout);
    }
    return timers;
}

// How much later than the fault the active stops renewing its lease.
std::vector<BoundPart> delay_before_end(const MutualExclusion& exclusion, const MeasuredStart& measured,
                                        FaultKind fault) {
    switch (fault) {
        case FaultKind::share_loss:
            return {{"journal monitor looks at the share",
                     std::min(journal_monitor_period, exclusion.update_interval)},
                    {"share given up", std::max(exclusion.update_interval, shortest_share_timeout)},
                    {"active ends itself", exit_limit}};
        case FaultKind::stop:
            return {{"active stops in order", exit_limit}};
        case FaultKind::reset:
            return {{"host starts", measured.host_start}};
        case FaultKind::power_off:
        case FaultKind::pause:
        case FaultKind::kill:
        case FaultKind::database_loss:
            break;
    }
    return {};
}

Duration sum(const std::vector<BoundPart>& parts) {
    return std::accumulate(parts.begin(), parts.end(), Duration{},
                           [](Duration so_far, const BoundPart& part) { return so_far + part.duration; });
}

}  // namespace

Duration Bound::total() const {
    return sum(parts);
}

const char* to_string(FaultKind kind) {
    switch (kind) {
        case FaultKind::power_off:
            return "power-off";
        case FaultKind::reset:
            return "reset";
        case FaultKind::pause:
            return "pause";
        case FaultKind::kill:
            return "kill";
        case FaultKind::stop:
            return "stop";
        case FaultKind::database_loss:
            return "database-loss";
        case FaultKind::share_loss:
            break;
    }
    return "share-loss";
}

namespace {

// A client's outage around what makes the other host active.
Bound around(const Timers& timers, std::vector<BoundPart> before, std::vector<BoundPart> up) {
    up.push_back({"next probe begins", timers.probe_interval});
    up.push_back({"probe succeeds", timers.probe_timeout});
    std::vector<BoundPart> down{{"dead backend is marked down",
                                 timers.probe_threshold * (timers.probe_interval + timers.probe_timeout)}};
    Bound bound;
    const auto append = [&](const std::vector<BoundPart>& parts) {
        bound.parts.insert(bound.parts.end(), parts.begin(), parts.end());
    };
    append({{"last success before the fault", timers.attempt_interval + timers.attempt_timeout}});
    append(before);
    append(sum(down) > sum(up) ? down : up);
    append({{"attempt under way times out", timers.attempt_timeout},
            {"client tries again", std::max(timers.attempt_interval, client_retry)},
            {"attempt is acknowledged", timers.attempt_timeout}});
    return bound;
}

Bound program_parts(const Topology& topology, const MeasuredStart& measured, FaultKind fault) {
    const Program& program = topology.programs.at(high_availability_program(topology));
    const Timers timers = slowest_timers(topology, true);
    std::vector<BoundPart> before;
    if (fault == FaultKind::share_loss || fault == FaultKind::pause || fault == FaultKind::stop)
        before.push_back({"outdated active ends itself", program.stop_timeout});
    if (fault == FaultKind::reset) before.push_back({"host starts", measured.host_start});
    return around(timers, std::move(before),
                  {{"file service's client lease ends", timers.client_lease},
                   {"file service looks for ended leases", timers.client_lease / 4},
                   {"other host takes over", program.takeover}});
}

}  // namespace

Bound worst_case_parts(const Topology& topology, const MeasuredStart& measured, FaultKind fault) {
    const std::string name = high_availability_node(topology);
    if (name.empty())
        return high_availability_program(topology).empty() ? Bound{}
                                                           : program_parts(topology, measured, fault);
    const Node& node = topology.nodes.at(name);
    const Timers timers = slowest_timers(topology, !node.share.empty());
    const Duration wait = node.mutual_exclusion.wait_interval;

    const std::vector<BoundPart> lease{
        {"lease row expires", wait},
        {"refused standby sleeps", wait},
        {"standby is restarted", node.restart_delay},
        {"node starts up to its lease attempt", measured.process_to_lease},
        {"database ends the dead host's transaction", idle_in_transaction_limit(topology)}};
    const std::vector<BoundPart> journal{{"file service's client lease ends", timers.client_lease},
                                         {"file service looks for ended leases", timers.client_lease / 4},
                                         {"standby retries the journal lock", journal_lock_retry}};
    std::vector<BoundPart> up =
        timers.client_lease > Duration{} && sum(journal) > sum(lease) ? journal : lease;
    up.push_back({"node opens its ports", measured.lease_to_ports});
    return around(timers, delay_before_end(node.mutual_exclusion, measured, fault), std::move(up));
}

Duration worst_case_outage(const Topology& topology, const MeasuredStart& measured, FaultKind fault) {
    return worst_case_parts(topology, measured, fault).total();
}

Duration worst_case_outage(const Topology& topology, const MeasuredStart& measured,
                           const std::vector<FaultKind>& faults) {
    static const std::vector<FaultKind> every{
        FaultKind::power_off, FaultKind::reset,         FaultKind::pause,     FaultKind::kill,
        FaultKind::stop,      FaultKind::database_loss, FaultKind::share_loss};
    Duration longest{};
    for (const FaultKind fault : faults.empty() ? every : faults)
        longest = std::max(longest, worst_case_outage(topology, measured, fault));
    return longest;
}

}  // namespace understudy::topology
