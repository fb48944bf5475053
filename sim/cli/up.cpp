// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/io/clock.hpp"
#include "sim/cli/command.hpp"
#include "sim/cli/progress.hpp"
#include "sim/cli/world.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/topology/reader.hpp"

namespace understudy::cli {
namespace {

struct UpOptions {
    std::string topology = "topologies/corda-ha-fast.yaml";
    std::string name;
    std::string world;
    std::vector<std::string> settings;
    std::string timeout = "3m";
};

Result<int> run_up(const UpOptions& options) {
    const Instant started = io::monotonic_now();
    UNDERSTUDY_TRY(const auto timeout, parse_duration(options.timeout));
    UNDERSTUDY_TRY(auto topology, topology::load_topology(options.topology, options.settings));
    for (const std::string& warning : topology.warnings)
        fmt::print(stderr, "understudy: warning: {}\n", warning);
    UNDERSTUDY_TRY(const auto world, choose_world(options.world, topology));
    lab::BringUpOptions bring_up{std::move(topology), "", world, timeout};
    bring_up.name = options.name.empty() ? bring_up.topology.name : options.name;
    {
        ProgressLine progress;
        UNDERSTUDY_CHECK(lab::bring_up(bring_up, progress.listener()));
    }
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(bring_up.name));
    UNDERSTUDY_TRY(const auto answer, client.request({{"command", "status"}}, 10s));
    const auto& status = answer.at("status").as_object();
    const auto& active = status.at("active");
    fmt::print("region {} is up after {:.1f} s: world {}, accelerator {}, active {}\n", bring_up.name,
               to_milliseconds(io::monotonic_now() - started) / 1000, to_string(world),
               std::string_view(status.at("accelerator").as_string()),
               active.is_string() ? std::string_view(active.as_string()) : std::string_view("none"));
    fmt::print(
        "look on:   understudy status --watch\nbreak it:  understudy fault power-off active\nend it:    "
        "understudy down\n");
    return 0;
}

}  // namespace

void add_up(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<UpOptions>();
    command_line::Command sub = app.subcommand("up", "Bring a region up");
    sub.option("TOPOLOGY", options->topology, "the topology file").with_default_in_help();
    sub.option("--name", options->name, "the region's name (default: the topology's)");
    sub.option("--world", options->world,
               "what carries the hosts: vm (libvirt domains) or pod (namespaced processes); default: vm, "
               "or pod for a topology with programs")
        .one_of({"vm", "pod"});
    sub.option("--set", options->settings,
               "PATH=VALUE: change a value of the topology, e.g. clients.app.rate=50/s");
    sub.option("--timeout", options->timeout, "give up, and take everything down, after this time")
        .with_default_in_help();
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_up(*options); }; });
}

}  // namespace understudy::cli
