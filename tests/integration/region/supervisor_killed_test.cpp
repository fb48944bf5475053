// SPDX-License-Identifier: Apache-2.0
// The supervisor dies by SIGKILL at any moment: within two seconds nothing of the region runs, and the next
// `up` under the same name works.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "base/random.hpp"
#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class SupervisorKilled : public Region {
  protected:
    // Processes in the PID namespace of `pid`, seen from here, and those in namespaces below it.
    static std::vector<pid_t> descendants(pid_t ancestor) {
        std::map<pid_t, pid_t> parents;
        for (const auto& entry : fs::directory_iterator("/proc")) {
            const pid_t pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
            if (pid <= 0) continue;
            std::ifstream stat(entry.path() / "stat");
            std::string text;
            std::getline(stat, text);
            const std::size_t after_name = text.rfind(')');
            if (after_name == std::string::npos) continue;
            char state = 0;
            int parent = 0;
            if (std::sscanf(text.c_str() + after_name + 1, " %c %d", &state, &parent) == 2)
                parents[pid] = parent;
        }
        std::vector<pid_t> found{ancestor};
        for (std::size_t i = 0; i < found.size(); ++i)
            for (const auto& [pid, parent] : parents)
                if (parent == found[i]) found.push_back(pid);
        return found;
    }

    static bool runs(pid_t pid) {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string text;
        std::getline(stat, text);
        const std::size_t after_name = text.rfind(')');
        return after_name != std::string::npos && text.size() > after_name + 2 && text[after_name + 2] != 'Z';
    }

    // Starts `understudy up` and kills its supervisor `delay` after the supervisor exists.
    void kill_after(std::chrono::milliseconds delay) {
        std::thread up([this] {
            understudy({"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--name", "victim",
                        "--timeout", "30s"},
                       60s);
        });
        pid_t supervisor = 0;
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (supervisor == 0 && std::chrono::steady_clock::now() < end) supervisor = supervisor_pid();
        if (supervisor == 0) {
            up.join();
            FAIL() << "no supervisor answered within 20 s";
        }
        std::this_thread::sleep_for(delay);
        const auto family = descendants(supervisor);
        ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
        const auto dead_by = std::chrono::steady_clock::now() + 2s;
        for (const pid_t pid : family) {
            while (runs(pid) && std::chrono::steady_clock::now() < dead_by) std::this_thread::sleep_for(5ms);
            EXPECT_FALSE(runs(pid)) << pid << " of " << family.size() << " still runs";
        }
        up.join();
    }

    pid_t supervisor_pid() {
        const Outcome status = understudy({"status", "--name", "victim", "--json"}, 5s);
        if (status.status != 0) return 0;
        return static_cast<pid_t>(json::parse(status.out).as_object().at("supervisor_pid").as_int64());
    }
};

TEST_F(SupervisorKilled, thirty_times_at_a_random_moment_nothing_is_left_and_the_name_is_free) {
    const std::uint64_t seed =
        static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    std::cout << "seed " << seed << "\n";
    Random random(seed);
    for (int round = 0; round < 30; ++round) {
        SCOPED_TRACE(round);
        ASSERT_NO_FATAL_FAILURE(kill_after(std::chrono::milliseconds(random.below(1500))));
    }
    const Outcome up = understudy(
        {"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--name", "victim", "--timeout", "60s"});
    EXPECT_EQ(up.status, 0) << up.err;
}

}  // namespace
}  // namespace understudy::test
