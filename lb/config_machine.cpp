// SPDX-License-Identifier: Apache-2.0
#include "lb/config_machine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::lb {
namespace {

std::string target_of(const Probe& probe) {
    std::string target = fmt::format("{} {}", to_string(probe.protocol), probe.port);
    return probe.protocol == ProbeProtocol::tcp ? target : target + " " + probe.path;
}

}  // namespace

MachineSettings machine_settings_of(const Config& config) {
    MachineSettings settings;
    for (const Backend& backend : config.backends)
        settings.backends.push_back({backend.host, backend.address, backend.enabled});
    for (const Probe& probe : config.probes)
        settings.probes.push_back(
            {probe.name, target_of(probe),
             ProbeTiming{probe.interval, probe.timeout, probe.threshold, probe.threshold_mode},
             probe.no_healthy_backends});
    for (const Rule& rule : config.rules) {
        const auto found = std::find_if(config.probes.begin(), config.probes.end(),
                                        [&](const Probe& probe) { return probe.name == rule.probe; });
        settings.rules.push_back({rule.name, static_cast<std::size_t>(found - config.probes.begin()),
                                  rule.distribution, rule.protocol == RuleProtocol::udp});
    }
    const bool proxy = config.data_path == DataPathKind::proxy;
    settings.end_on_backend_down = proxy && config.on_backend_down == OnBackendDown::reset;
    settings.end_when_all_down = config.sku == Sku::basic || (!proxy && config.backends.size() == 1);
    settings.drain_timeout = config.drain_timeout;
    return settings;
}

}  // namespace understudy::lb
