// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/io/clock.hpp"
#include "base/io/interrupt.hpp"
#include "sim/cli/command.hpp"
#include "sim/cli/world.hpp"
#include "sim/lab/scenario_runner.hpp"
#include "sim/report/documents.hpp"
#include "sim/report/text.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/topology/reader.hpp"

namespace understudy::cli {
namespace {

struct TestOptions {
    std::string topology;
    std::vector<std::string> scenarios;
    std::vector<std::string> settings;
    std::string world;
    std::string timeout = "3m";
    std::string json_file;
    std::string junit_file;
};

// Those of the topology that --scenario names, by name, file name or path; all without it. A path may lead
// elsewhere.
Result<std::vector<scenario::Scenario>> chosen_scenarios(const TestOptions& options,
                                                         const topology::Topology& topology) {
    std::vector<scenario::Scenario> all, chosen;
    for (const std::string& path : topology.scenarios) {
        UNDERSTUDY_TRY(all.emplace_back(), scenario::load_scenario(path, topology));
    }
    if (options.scenarios.empty()) return all;
    for (const std::string& wanted : options.scenarios) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const scenario::Scenario& scenario) {
            return scenario.name == wanted || std::filesystem::path(scenario.file).stem() == wanted ||
                   scenario.file == wanted;
        });
        if (found != all.end()) {
            chosen.push_back(*found);
        } else if (std::filesystem::exists(wanted)) {
            UNDERSTUDY_TRY(chosen.emplace_back(), scenario::load_scenario(wanted, topology));
        } else {
            std::string known;
            for (const auto& scenario : all)
                known += (known.empty() ? "" : ", ") + std::filesystem::path(scenario.file).stem().string();
            return Error(ErrorKind::bad_input, fmt::format("--scenario {}", wanted),
                         "is neither a scenario of the topology nor a file")
                .with_remedy("scenarios: " + known);
        }
    }
    return chosen;
}

Result<void> write_document(const std::string& path, const std::string& text) {
    if (path.empty()) return {};
    std::ofstream file(path);
    file << text << "\n";
    file.close();
    if (!file) return Error(ErrorKind::failed, path, "cannot be written");
    return {};
}

Result<int> run_test(const TestOptions& options) {
    UNDERSTUDY_TRY(const auto timeout, parse_duration(options.timeout));
    UNDERSTUDY_TRY(const auto topology, topology::load_topology(options.topology, options.settings));
    UNDERSTUDY_TRY(const auto scenarios, chosen_scenarios(options, topology));
    if (scenarios.empty())
        return Error(ErrorKind::bad_input, options.topology, "has no scenarios")
            .with_remedy("list them under 'scenarios:'");
    UNDERSTUDY_TRY(const auto world, choose_world(options.world, topology));
    report::Report report{options.topology, to_string(world), "none", {}};
    bool all_passed = true;
    for (std::size_t i = 0; i < scenarios.size() && !io::interrupted(); ++i) {
        fmt::print("[{}/{}] {} — {}\n", i + 1, scenarios.size(), scenarios[i].name, scenarios[i].description);
        std::fflush(stdout);
        const lab::ScenarioRunOptions run_options{topology, world,
                                                  fmt::format("test-{}-{}", ::getpid(), i + 1), timeout};
        const Instant started = io::monotonic_now();
        UNDERSTUDY_TRY(
            auto outcome, lab::run_scenario(run_options, scenarios[i], [&](const std::string& line) {
                fmt::print("  {:6.1f} s  {}\n", to_milliseconds(io::monotonic_now() - started) / 1000, line);
                std::fflush(stdout);
            }));
        report.accelerator = outcome.accelerator;
        all_passed = all_passed && outcome.run.passed;
        fmt::print("{}\n", report::summary(outcome.run));
        std::fflush(stdout);
        report.scenarios.push_back(std::move(outcome.run));
        // Written after each, so that an interrupted run leaves what it has shown.
        UNDERSTUDY_CHECK(write_document(options.json_file, report::to_json(report)));
        UNDERSTUDY_CHECK(write_document(options.junit_file, report::to_junit_xml(report)));
    }
    if (io::interrupted()) return Error(ErrorKind::failed, "test", "was interrupted");
    std::size_t passed = 0;
    for (const auto& scenario : report.scenarios) passed += scenario.passed ? 1 : 0;
    fmt::print("{} of {} scenarios passed; world {}, accelerator {}\n", passed, report.scenarios.size(),
               report.world, report.accelerator);
    return all_passed ? 0 : exit_status(ErrorKind::failed);
}

}  // namespace

void add_test(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<TestOptions>();
    command_line::Command sub =
        app.subcommand("test", "Run a topology's scenarios, each in a fresh region, and report");
    sub.option("TOPOLOGY", options->topology, "the topology file").required();
    sub.option("--scenario", options->scenarios,
               "only this one: its name, file name or path (again for more)");
    sub.option("--world", options->world, "vm or pod (default: vm, or pod for a topology with programs)")
        .one_of({"vm", "pod"});
    sub.option("--set", options->settings, "PATH=VALUE: change a value of the topology");
    sub.option("--timeout", options->timeout, "for each region to come up").with_default_in_help();
    sub.option("--json", options->json_file, "write the report as JSON");
    sub.option("--junit", options->junit_file, "write the report as JUnit XML");
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_test(*options); }; });
}

}  // namespace understudy::cli
