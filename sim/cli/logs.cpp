// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/time.hpp"
#include "sim/cli/command.hpp"
#include "sim/lab/region_directory.hpp"

namespace understudy::cli {
namespace {

struct LogsOptions {
    std::string region;
    std::string host;
    bool follow = false;
};

std::vector<std::string> hosts_with_logs(const lab::RegionDirectory& directory) {
    std::vector<std::string> hosts;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory.root() / "logs", ignored))
        hosts.push_back(entry.path().stem().string());
    return hosts;
}

Result<int> run_logs(const LogsOptions& options) {
    UNDERSTUDY_TRY(const auto region, chosen_region(options.region));
    const lab::RegionDirectory directory(region);
    const auto hosts = hosts_with_logs(directory);
    if (std::find(hosts.begin(), hosts.end(), options.host) == hosts.end())
        return Error(ErrorKind::bad_input, fmt::format("logs of '{}'", options.host), "there are none")
            .with_remedy(fmt::format("there are logs of {}", fmt::join(hosts, ", ")));
    std::ifstream file(directory.log(options.host));
    while (true) {
        std::string line;
        while (std::getline(file, line)) fmt::print("{}\n", line);
        std::fflush(stdout);
        if (!options.follow || !directory.alive()) return 0;
        file.clear();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
}

}  // namespace

void add_logs(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<LogsOptions>();
    command_line::Command sub =
        app.subcommand("logs", "Print what a host's programs (or 'supervisor') wrote");
    sub.option("HOST", options->host, "the host").required();
    sub.flag("--follow,-f", options->follow, "go on until the region ends");
    sub.option("--name", options->region, "the region; needed only when several run");
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_logs(*options); }; });
}

}  // namespace understudy::cli
