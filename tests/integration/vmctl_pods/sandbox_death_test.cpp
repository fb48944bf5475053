// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>

#include "base/random.hpp"
#include "tests/integration/vmctl_pods/region.hpp"
#include "tests/support/eventually.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::vmctl {
namespace {

// Whether any process out here or in there is in the network namespace with this inode.
bool is_in_use(ino_t network_namespace) {
    std::error_code failed;
    for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
         entry.increment(failed)) {
        struct stat info {};
        if (::stat((entry->path() / "ns/net").c_str(), &info) == 0 && info.st_ino == network_namespace)
            return true;
    }
    return false;
}

// Whether every holder of the pipe's other end is gone in time. What they said goes to `said`: a shell that
// is about to start a program while the kernel ends its namespace says that it can't.
bool ends_within(int pipe, int limit_ms, std::string& said) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
        pollfd ready{pipe, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) != 1) return false;
        std::array<char, 256> bytes{};
        const ssize_t count = ::read(pipe, bytes.data(), bytes.size());
        if (count == 0) return true;
        if (count > 0) said.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

// A region with two pods that have children, killed after `delay`; -1 where the sandbox can't be made.
void kill_a_region_after(std::chrono::microseconds delay) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const io::UniqueFd reading(ends[0]);
    io::UniqueFd writing(ends[1]);
    const auto sandbox = start_sandbox({}, [&writing] {
        Fabric fabric = Fabric::create(test_config()).value();
        // Every process of the pods holds the pipe as its output.
        ::dup2(writing.get(), STDERR_FILENO);
        ShellPod a = ShellPod::start("a");
        ShellPod b = ShellPod::start("b");
        a.attach(fabric, {"a", {address("192.0.2.11")}, ""});
        b.attach(fabric, {"b", {address("192.0.2.12")}, ""});
        EXPECT_EQ(a.run("(setsid sleep 1000 &)"), "[0]");
        while (true) ::pause();
        return 0;
    });
    if (sandbox.has_error() && sandbox.error().kind == ErrorKind::environment) {
        GTEST_SKIP() << sandbox.error().message();
    }
    ASSERT_TRUE(sandbox.has_value()) << sandbox.error().message();
    writing.reset();
    struct stat fabric {};
    ASSERT_EQ(::stat(("/proc/" + std::to_string(*sandbox) + "/ns/net").c_str(), &fabric), 0);
    ::usleep(static_cast<useconds_t>(delay.count()));

    ASSERT_EQ(::kill(*sandbox, SIGKILL), 0);
    const auto killed = std::chrono::steady_clock::now();
    int status = 0;
    ASSERT_EQ(::waitpid(*sandbox, &status, 0), *sandbox);
    std::string complaints;
    EXPECT_TRUE(ends_within(reading.get(), 2000, complaints)) << "a process of a pod is left: " << complaints;
    EXPECT_TRUE(test::eventually([&fabric] { return !is_in_use(fabric.st_ino); }, std::chrono::seconds(2)));
    EXPECT_LT(std::chrono::steady_clock::now() - killed, std::chrono::seconds(2));
}

TEST(SandboxDeath, killed_at_any_moment_nothing_of_the_region_is_left_within_two_seconds) {
    constexpr std::uint64_t seed = 7;
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    Random random(seed);
    for (int i = 0; i < 10 && !::testing::Test::HasFailure() && !::testing::Test::IsSkipped(); ++i) {
        kill_a_region_after(std::chrono::microseconds(random.below(200'000)));
    }
}

}  // namespace
}  // namespace understudy::vmctl
