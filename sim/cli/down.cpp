// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/cli/command.hpp"
#include "sim/lab/lifecycle.hpp"
#include "sim/lab/region_directory.hpp"

namespace understudy::cli {

void add_down(command_line::Command app, Choice& choice) {
    struct Options {
        std::string name;
        bool all = false;
    };
    auto options = std::make_shared<Options>();
    command_line::Command sub =
        app.subcommand("down", "End a region: every process, mount, namespace, socket and file of it");
    sub.option("--name", options->name, "the region; needed only when several run");
    sub.flag("--all", options->all, "end every region, and remove what dead ones left");
    sub.when_chosen([options, &choice] {
        choice.run = [options]() -> Result<int> {
            std::vector<std::string> names;
            if (options->all) {
                names = lab::region_names();
            } else {
                UNDERSTUDY_TRY(names.emplace_back(), chosen_region(options->name));
            }
            for (const std::string& name : names) {
                UNDERSTUDY_CHECK(lab::take_down(name));
                fmt::print("region {} is down\n", name);
            }
            if (names.empty()) fmt::print("no region is running\n");
            return 0;
        };
    });
}

}  // namespace understudy::cli
