// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/host_config_json.hpp"

#include <string>
#include <utility>

namespace understudy::vmctl {

json::object to_json(const HostConfig& config) {
    json::object object{{"hostname", config.hostname},
                        {"resolv_conf", config.resolv_conf},
                        {"hosts_file", config.hosts_file}};
    if (config.interface)
        object["interface"] = json::object{{"name", config.interface->name},
                                           {"addresses", strings(config.interface->addresses)},
                                           {"gateway", config.interface->gateway}};
    json::array files;
    for (const FileConfig& file : config.files)
        files.push_back(json::object{{"path", file.path}, {"mode", file.mode}, {"content", file.content}});
    object["files"] = std::move(files);
    json::array units;
    for (const UnitSpec& unit : config.units)
        units.push_back(json::object{{"name", unit.name},
                                     {"argv", strings(unit.argv)},
                                     {"environment", map_object(unit.environment)},
                                     {"requires", strings(unit.requires_units)},
                                     {"restart", to_string(unit.restart)},
                                     {"restart_delay_ns", unit.restart_delay.count()},
                                     {"stop_timeout_ns", unit.stop_timeout.count()},
                                     {"working_directory", unit.working_directory}});
    object["units"] = std::move(units);
    return object;
}

HostConfig read_host_config(const MemberReader& reader) {
    HostConfig config;
    config.hostname = reader.text("hostname");
    config.resolv_conf = reader.text("resolv_conf");
    config.hosts_file = reader.text("hosts_file");
    if (reader.has("interface")) {
        const MemberReader interface = reader.inner("interface");
        config.interface =
            InterfaceConfig{interface.text("name"), interface.texts("addresses"), interface.text("gateway")};
    }
    reader.objects("files", [&](const MemberReader& file) {
        config.files.push_back(
            {file.text("path"), static_cast<std::uint32_t>(file.integer("mode")), file.text("content")});
    });
    reader.objects("units", [&](const MemberReader& unit) {
        UnitSpec spec;
        spec.name = unit.text("name");
        spec.argv = unit.texts("argv");
        spec.environment = unit.map("environment");
        spec.requires_units = unit.texts("requires");
        const std::string restart = unit.text("restart");
        if (restart == "always")
            spec.restart = RestartPolicy::always;
        else if (restart == "on_failure")
            spec.restart = RestartPolicy::on_failure;
        else if (restart == "never")
            spec.restart = RestartPolicy::never;
        else
            unit.wrong("restart");
        spec.restart_delay = Duration(unit.integer("restart_delay_ns"));
        spec.stop_timeout = Duration(unit.integer("stop_timeout_ns"));
        spec.working_directory = unit.text("working_directory");
        config.units.push_back(std::move(spec));
    });
    return config;
}

}  // namespace understudy::vmctl
