// SPDX-License-Identifier: Apache-2.0
// Locks and unlocks from two hosts in a storm. Exit status: 0 never two holders, never a lock lost while its
// lease lived; 1 otherwise; 77 not possible here.
#include <fmt/format.h>
#include <signal.h>

#include <random>

#include "base/command_line/command_line.hpp"
#include "storm.hpp"

using namespace understudy;
using namespace understudy::files::testing;

int main(int argc, char** argv) {
    command_line::CommandLine app("files_locks",
                                  "Locks and unlocks from two hosts that are killed, frozen and cut off.");
    std::uint64_t seed = std::random_device()(), count = 20'000;
    app.option("--operations", count, "locks and unlocks");
    app.option("--seed", seed, "of the storm; random when not given");
    if (const auto status = app.parse(argc, argv)) return *status;
    ::signal(SIGPIPE, SIG_IGN);
    fmt::print("seed {}\n", seed);
    std::fflush(stdout);
    auto possible = lb::conformance::become_network_administrator();
    auto storm = possible.has_value() ? Storm::make(seed) : Result<std::unique_ptr<Storm>>(possible.error());
    if (storm.has_error()) {
        fmt::print("{}\n", storm.error().message());
        return storm.error().kind == ErrorKind::environment ? 77 : 1;
    }
    Result<void> outcome = (*storm)->rage(count, [](std::uint64_t done) {
        fmt::print("{} done\n", done);
        std::fflush(stdout);
    });
    fmt::print("{}\n", (*storm)->summary());
    if (outcome.has_value()) return 0;
    fmt::print(stderr, "{}\n{}", outcome.error().message(), (*storm)->last_events());
    return 1;
}
