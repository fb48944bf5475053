// SPDX-License-Identifier: Apache-2.0
// Kills the service under load, looks into its folder while it is dead, starts it again and waits until every
// client has gone on. Exit status: 0 every fsynced byte was there each time and nobody failed or hung; 1
// otherwise; 77 not possible here.
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <new>
#include <random>

#include "base/command_line/command_line.hpp"
#include "base/random.hpp"
#include "load.hpp"
#include "tests/conformance/files/service.hpp"
#include "tests/support/eventually.hpp"

using namespace understudy;
using namespace understudy::files::testing;

namespace {

constexpr int workers = 4;  // two on each host

struct Shared {
    std::array<Progress, workers> progress;
    std::atomic<bool> stop = false;
};

int wrong(const std::string& text) {
    fmt::print(stderr, "{}\n", text);
    return 1;
}

int run(Service& service, Shared& shared, int kills, Random random) {
    std::array<std::unique_ptr<Child>, workers> children;
    for (int i = 0; i < workers; ++i)
        children[static_cast<std::size_t>(i)] = std::make_unique<Child>([&, i] {
            return load(shared.progress[static_cast<std::size_t>(i)], shared.stop,
                        service.at(i % 2 == 0 ? "a" : "b"), i);
        });
    std::uint64_t repeated = 0;
    auto everything_is_there = [&] {
        repeated = 0;
        for (int i = 0; i < workers; ++i) {
            std::uint64_t synced = shared.progress[static_cast<std::size_t>(i)].synced;
            Kept kept = check(service.data(), i, synced);
            if (!kept.missing.empty()) return kept.missing;
            repeated += kept.repeated_lines;
        }
        return std::string();
    };
    auto all_go_on = [&] {
        std::array<std::uint64_t, workers> before;
        for (std::size_t i = 0; i < workers; ++i) before[i] = shared.progress[i].synced;
        return test::eventually([&] {
            for (std::size_t i = 0; i < workers; ++i)
                if (!shared.progress[i].failed && shared.progress[i].synced < before[i] + 3) return false;
            return true;
        });
    };
    for (int kill = 0; kill <= kills; ++kill) {
        if (!all_go_on()) return wrong(fmt::format("after kill {}: a client hangs", kill));
        for (std::size_t i = 0; i < workers; ++i)
            if (shared.progress[i].failed)
                return wrong(fmt::format("after kill {}: worker {}: {}", kill, i, shared.progress[i].what));
        if (kill == kills) break;
        // Anywhere in what they do: between two steps that any of them makes.
        std::uint64_t steps = 1 + random.below(40), begun = shared.progress[0].step;
        if (!test::eventually([&] { return shared.progress[0].step >= begun + steps; }))
            return wrong("a client hangs");
        service.server().signal(SIGKILL);
        if (service.server().wait() != -1) return wrong("the service wasn't killed");
        if (std::string missing = everything_is_there(); !missing.empty())
            return wrong(fmt::format("after kill {}: missing: {}", kill + 1, missing));
        if (auto again = service.start_server(); again.has_error()) return wrong(again.error().message());
    }
    shared.stop = true;
    for (auto& child : children)
        if (!child->has_ended(20s)) return wrong("a client hangs at the end");
    if (std::string missing = everything_is_there(); !missing.empty()) return wrong("missing: " + missing);
    std::uint64_t synced = 0;
    for (const Progress& progress : shared.progress) synced += progress.synced;
    fmt::print("{} kills, {} rounds of fsynced work, {} appended lines repeated\n", kills, synced, repeated);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    command_line::CommandLine app("files_crash",
                                  "Kills a file service under load and looks for what was fsynced.");
    int kills = 5;
    std::uint64_t seed = std::random_device()();
    app.option("--kills", kills, "how many times");
    app.option("--seed", seed, "of the moments; random when not given");
    if (const auto status = app.parse(argc, argv)) return *status;
    ::signal(SIGPIPE, SIG_IGN);
    fmt::print("seed {}\n", seed);
    auto service = Service::start(2);
    if (service.has_error()) {
        fmt::print("{}\n", service.error().message());
        return service.error().kind == ErrorKind::environment ? 77 : 1;
    }
    void* at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return wrong("no memory");
    return run(**service, *new (at) Shared, kills, Random(seed));
}
