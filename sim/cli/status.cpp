// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <thread>

#include "sim/cli/command.hpp"
#include "sim/cli/status_view.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/lab/region_directory.hpp"

namespace understudy::cli {
namespace {

struct StatusOptions {
    std::string region;
    bool as_json = false;
    bool all = false;
    bool watch = false;
};

Result<int> list_regions() {
    const auto names = lab::region_names();
    for (const std::string& name : names)
        fmt::print(
            "{:<24} {}\n", name,
            lab::RegionDirectory(name).alive() ? "running" : "dead; 'understudy down --all' removes it");
    if (names.empty()) fmt::print("no region is running\n");
    return 0;
}

Result<int> run_status(const StatusOptions& options) {
    if (options.all) return list_regions();
    UNDERSTUDY_TRY(const auto region, chosen_region(options.region));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    while (true) {
        auto answer =
            client.request({{"command", "status"}, {"memory", !options.watch}, {"files", true}}, 10s);
        if (answer.has_error()) return answer.error();
        json::object status = std::move(answer->at("status").as_object());
        status["supervisor_pid"] = client.supervisor_pid();
        if (options.as_json)
            fmt::print("{}\n", std::string_view(json::serialize(status)));
        else
            fmt::print("{}{}", options.watch ? "\x1b[H\x1b[2J" : "", status_text(status));
        std::fflush(stdout);
        if (!options.watch) return 0;
        std::this_thread::sleep_for(500ms);
    }
}

}  // namespace

void add_status(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<StatusOptions>();
    command_line::Command sub =
        app.subcommand("status", "Show a region: hosts, who is active, what the probes see, faults in force");
    sub.option("--name", options->region, "the region; needed only when several run");
    sub.flag("--json", options->as_json, "one JSON document");
    sub.flag("--watch,-w", options->watch, "show it again every half second");
    sub.flag("--all", options->all, "list the regions instead");
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_status(*options); }; });
}

}  // namespace understudy::cli
