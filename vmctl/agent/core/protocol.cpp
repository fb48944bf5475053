// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/protocol.hpp"

#include <set>

namespace understudy::vmctl {

const char* to_string(UnitStateName state) {
    switch (state) {
        case UnitStateName::waiting:
            return "waiting";
        case UnitStateName::starting:
            return "starting";
        case UnitStateName::ready:
            return "ready";
        case UnitStateName::running:
            return "running";
        case UnitStateName::stopped:
            return "stopped";
        case UnitStateName::restarting:
            return "restarting";
        case UnitStateName::failed:
            return "failed";
    }
    return "unknown";
}

const char* to_string(RestartPolicy policy) {
    switch (policy) {
        case RestartPolicy::always:
            return "always";
        case RestartPolicy::on_failure:
            return "on_failure";
        case RestartPolicy::never:
            return "never";
    }
    return "unknown";
}

Result<void> validate(const HostConfig& config) {
    const auto bad = [](const std::string& subject, const char* reason) {
        return Error(ErrorKind::bad_input, subject, reason);
    };
    for (const FileConfig& file : config.files)
        if (file.path.empty() || file.path.front() != '/')
            return bad("file " + file.path, "the path is not absolute");
    std::set<std::string> names;
    for (const UnitSpec& unit : config.units) {
        if (unit.name.empty()) return bad("unit", "a unit has no name");
        if (!names.insert(unit.name).second) return bad("unit " + unit.name, "the name is taken twice");
        if (unit.argv.empty() || unit.argv[0].empty()) return bad("unit " + unit.name, "it has no program");
    }
    for (const UnitSpec& unit : config.units)
        for (const std::string& required : unit.requires_units)
            if (!names.contains(required))
                return bad("unit " + unit.name, "it requires a unit that is not there");
    std::set<std::string> placed;
    while (placed.size() < config.units.size()) {
        const std::size_t before = placed.size();
        for (const UnitSpec& unit : config.units) {
            bool all = true;
            for (const std::string& required : unit.requires_units) all = all && placed.contains(required);
            if (all) placed.insert(unit.name);
        }
        if (placed.size() == before) return bad("units", "they require each other in a circle");
    }
    return {};
}

}  // namespace understudy::vmctl
