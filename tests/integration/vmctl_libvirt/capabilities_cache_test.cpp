// SPDX-License-Identifier: Apache-2.0
// Each start of libvirt in a process of its own, as in a region's supervisor. These tests come before any
// that uses libvirt in this process, which must not fork afterwards.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.hpp"
#include "test_guest.hpp"
#include "tests/support/scratch_directory.hpp"
#include "vmctl/libvirt/hypervisor.hpp"

namespace understudy::vmctl {
namespace {

// What happens where a scheduler's choice is the processor `number`; all may be used afterwards.
void start_on(int number) {
    cpu_set_t all;
    CPU_ZERO(&all);
    ::sched_getaffinity(0, sizeof(all), &all);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(number, &one);
    ::sched_setaffinity(0, sizeof(one), &one);
    ::sched_setaffinity(0, sizeof(all), &all);
}

// Has a machine without a kernel refused, which is when libvirt has to know what QEMU can do. Returns whether
// libvirt could be used, by a process that began on that processor.
bool refuses_on(int processor, const std::filesystem::path& root, const std::filesystem::path& cache) {
    const pid_t child = ::fork();
    if (child == 0) {
        start_on(processor);
        const auto hypervisor = Hypervisor::open({root, cache, {}, false});
        if (hypervisor.has_error()) ::_exit(1);
        DomainSpec spec;
        spec.name = "refused";
        spec.kernel = spec.initrd = "/no/such/kernel";
        spec.agent_socket = root / "agent.sock";
        spec.console_log = root / "console.log";
        const auto started = (*hypervisor)->start(spec);
        ::_exit(started.has_error() && started.error().kind != ErrorKind::bad_input ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// When and as which file the only answer in the cache was written.
std::string written(const std::filesystem::path& cache) {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(cache)) {
        struct stat status {};
        EXPECT_EQ(::stat(entry.path().c_str(), &status), 0);
        all += entry.path().filename().string() + " " + std::to_string(status.st_ino) + " " +
               std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) + "\n";
    }
    return all;
}

TEST(capabilities_cache, qemu_is_asked_once_whatever_processor_a_later_start_runs_on) {
    if (!sandbox_failure().empty()) GTEST_SKIP() << sandbox_failure();
    const test::ScratchDirectory directory;
    const auto cache = directory.path() / "caps";
    if (!refuses_on(0, directory.path() / "0", cache)) GTEST_SKIP() << "libvirt can't be used here";
    const std::string first = written(cache);
    ASSERT_FALSE(first.empty());
    for (int start = 1; start <= 6; ++start) {
        ASSERT_TRUE(refuses_on(start % 2, directory.path() / std::to_string(start), cache));
        ASSERT_EQ(written(cache), first) << "asked again by start " << start;
    }
}

}  // namespace
}  // namespace understudy::vmctl
