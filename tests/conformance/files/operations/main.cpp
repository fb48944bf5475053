// SPDX-License-Identifier: Apache-2.0
// Random operations on a mounted share, compared with a local folder after each. Exit status: 0 no
// difference, 1 a difference (seed, index and a shortened sequence are printed), 77 not possible here.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/stat.h>

#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/command_line/command_line.hpp"
#include "base/io/clock.hpp"
#include "comparison.hpp"
#include "tests/conformance/files/service.hpp"

using namespace understudy;
using namespace understudy::files::testing;

namespace {

void tell(const std::string& side, const std::string& text) {
    fmt::print(stderr, "  {}: {}\n", side, text.size() > 4000 ? text.substr(0, 4000) + "…" : text);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// Of two long texts only the lines that differ.
void tell(const Difference& difference) {
    auto share = lines_of(difference.share);
    auto oracle = lines_of(difference.oracle);
    std::size_t at = 0;
    while (at < share.size() && at < oracle.size() && share[at] == oracle[at]) ++at;
    tell("share ", at < share.size() ? share[at] : "(nothing more)");
    tell("oracle", at < oracle.size() ? oracle[at] : "(nothing more)");
}

}  // namespace

int main(int argc, char** argv) {
    command_line::CommandLine app("files_operations",
                                  "Random file operations on a share, compared with a local folder.");
    std::uint64_t seed = std::random_device()(), count = 20'000;
    int clients = 1, shorten_s = 60;
    std::vector<std::string> left_out;
    app.option("--operations", count, "how many");
    app.option("--seed", seed, "of the sequence; random when not given");
    app.option("--clients", clients, "mounts that take turns").between(1, 2);
    app.option("--shorten", shorten_s, "seconds to spend on a shorter sequence after a difference");
    app.option("--leave-out", left_out, "kinds of operations, such as map_write").separated_by(',');
    if (const auto status = app.parse(argc, argv)) return *status;

    ::signal(SIGPIPE, SIG_IGN);  // of a FIFO whose reader is gone: EPIPE is the answer to compare
    if (!kernel_maps_shared()) left_out.insert(left_out.end(), {"map_read", "map_write"});
    ::umask(0);
    auto service = Service::start(clients);
    if (service.has_error()) {
        fmt::print("{}\n", service.error().message());
        return service.error().kind == ErrorKind::environment ? 77 : 1;
    }
    Places places{{(*service)->at("a")}, (*service)->local(), true};
    if (clients == 2) places.mounts.push_back((*service)->at("b"));

    Generator generator(seed, clients);
    for (const std::string& name : left_out) {
        for (int kind = 0; kind <= static_cast<int>(Kind::map_write); ++kind)
            if (name == name_of(static_cast<Kind>(kind))) generator.leave_out(static_cast<Kind>(kind));
        if (name == "set_xattr") places.attributes = false;
    }
    fmt::print("seed {}, {} operations, {} client(s){}\n", seed, count, clients,
               left_out.empty() ? "" : fmt::format(", without {}", fmt::join(left_out, " ")));
    std::fflush(stdout);
    Instant begun = io::monotonic_now();
    // What shortening begins from: a tree is begun afresh this often, so that it is never long.
    constexpr std::uint64_t per_tree = 5'000;
    std::vector<Operation> operations;
    for (std::uint64_t done = 0; done < count;) {
        std::uint64_t in_this = std::min(per_tree, count - done);
        operations.clear();
        operations.reserve(in_this);
        auto next = [&]() -> const Operation* {
            if (operations.size() == in_this) return nullptr;
            return &operations.emplace_back(generator.next());
        };
        auto difference = compare(places, fmt::format("tree{}", done / per_tree), next, 500);
        if (!difference) {
            done += in_this;
            if (done % 100'000 == 0) {
                fmt::print("{} done\n", done);
                std::fflush(stdout);
            }
            continue;
        }
        fmt::print(stderr, "a difference in {} after operation {} of seed {}: {}\n", difference->what,
                   done + difference->index, seed, to_string(operations.back()));
        tell(*difference);
        auto shorter = shorten(places, operations, std::chrono::seconds(shorten_s));
        fmt::print(stderr, "{} operation(s) are enough:\n", shorter.size());
        for (const Operation& operation : shorter) fmt::print(stderr, "  {}\n", to_string(operation));
        return 1;
    }
    fmt::print("no difference in {:.1f} s\n",
               std::chrono::duration<double>(io::monotonic_now() - begun).count());
    return 0;
}
