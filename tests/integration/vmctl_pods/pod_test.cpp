// SPDX-License-Identifier: Apache-2.0
#include "vmctl/pods/pod.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/integration/vmctl_pods/region.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/scratch_directory.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::vmctl {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

bool ended(const Pod& pod, int limit_ms) {
    pollfd waiting{pod.pidfd(), POLLIN, 0};
    return ::poll(&waiting, 1, limit_ms) == 1;
}

TEST(Pod, its_program_is_process_1_with_its_own_name_root_and_environment) {
    in_sandbox([] {
        ShellPod pod = ShellPod::start("corda-primary");
        EXPECT_EQ(pod.run("cat /proc/sys/kernel/hostname; echo $PPID; cat /proc/1/comm"),
                  "corda-primary\n0\nbash\n[0]");
        EXPECT_EQ(pod.run("ls /home /mnt /tmp /opt /root | grep -v : | tr -d '\\n'"), "[0]");
        EXPECT_THAT(pod.run("touch /usr/x"), HasSubstr("Read-only file system"));
        EXPECT_EQ(pod.run("touch /tmp/x /run/x /var/x /mnt/x /opt/x /etc/resolv.conf /root/x"), "[0]");
        EXPECT_EQ(
            pod.run("head -c 4 /dev/zero | wc -c; echo x > /dev/null; ls /proc/self/fd | wc -l; ls /dev/pts"),
            "4\n5\nptmx\n[0]");
        EXPECT_EQ(pod.run("tr '\\0' '\\n' < /proc/1/environ"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n[0]");
        EXPECT_EQ(pod.run("ip -o link | wc -l; ip -o link show lo | grep -c UP"), "1\n1\n[0]");
    });
}

TEST(Pod, binds_are_where_they_should_be_and_read_only_ones_refuse_writes) {
    in_sandbox([] {
        const test::ScratchDirectory scratch;
        const std::string data = scratch.path();
        scratch.write("file", "hello");
        ShellPod pod = ShellPod::start("files", {{data, "/var/lib/understudy", false},
                                                 {data, "/etc/understudy", true},
                                                 {data + "/file", "/etc/one-file", true}});
        EXPECT_EQ(pod.run("cat /etc/understudy/file /etc/one-file"), "hellohello[0]");
        EXPECT_EQ(pod.run("echo new > /var/lib/understudy/written"), "[0]");
        EXPECT_THAT(pod.run("touch /etc/understudy/x"), HasSubstr("Read-only"));
        EXPECT_EQ(::access((data + "/written").c_str(), F_OK), 0);
        static_cast<void>(pod.pod.kill());
    });
}

TEST(Pod, a_killed_pod_is_noticed_through_its_pidfd_and_all_its_processes_are_gone) {
    in_sandbox([] {
        ShellPod pod = ShellPod::start("victim");
        EXPECT_EQ(pod.run("(setsid sleep 1000 &)"), "[0]");
        EXPECT_FALSE(ended(pod.pod, 0));
        EXPECT_FALSE(pod.pod.try_reap().has_value());
        ASSERT_TRUE(pod.pod.kill().has_value());
        ASSERT_TRUE(ended(pod.pod, 2000));
        const auto exit = pod.pod.try_reap();
        ASSERT_TRUE(exit.has_value());
        EXPECT_EQ(exit->signal, SIGKILL);
        EXPECT_EQ(pod.pod.memory().resident_bytes, 0U);
        EXPECT_TRUE(pod.pod.kill().has_value());
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    });
}

TEST(Pod, a_frozen_pod_stands_still_with_all_its_children_until_it_is_thawed) {
    in_sandbox([] {
        ShellPod pod = ShellPod::start("frozen");
        // Forks as fast as it can: the freeze must catch what is born meanwhile.
        EXPECT_EQ(pod.run("(while true; do /bin/true; echo x >> /tmp/beat; done) >/dev/null 2>&1 &"), "[0]");
        const auto beats = [&pod] {
            std::ifstream file("/proc/" + std::to_string(pod.pod.pid()) + "/root/tmp/beat");
            return std::string(std::istreambuf_iterator<char>(file), {}).size();
        };
        ASSERT_TRUE(test::eventually([&] { return beats() > 0; }));
        const auto frozen = pod.pod.freeze();
        ASSERT_TRUE(frozen.has_value()) << frozen.error().message();
        const auto before = beats();
        EXPECT_EQ(pod.run("true", 300), "[timeout]");
        EXPECT_EQ(beats(), before);
        ASSERT_TRUE(pod.pod.thaw().has_value());
        EXPECT_TRUE(test::eventually([&] { return beats() > before; }));
        EXPECT_GT(pod.pod.memory().proportional_bytes, 100'000U);
        EXPECT_GE(pod.pod.memory().resident_bytes, pod.pod.memory().proportional_bytes);
    });
}

TEST(Pod, what_is_wrong_with_a_pod_is_said_by_name) {
    in_sandbox([] {
        PodSpec spec;
        spec.hostname = "broken";
        spec.launcher = test::program("understudy-pod");
        spec.argv = {"/no/such/program"};
        auto started = start_pod(spec);
        ASSERT_TRUE(started.has_error());
        EXPECT_THAT(started.error().message(),
                    HasSubstr("pod broken: program /no/such/program: No such file"));
        EXPECT_EQ(started.error().kind, ErrorKind::bad_input);
        spec.argv = {"/bin/true"};
        spec.binds = {{"/no/such/directory", "/mnt/x", true}};
        started = start_pod(spec);
        ASSERT_TRUE(started.has_error());
        EXPECT_THAT(started.error().message(), HasSubstr("bind source /no/such/directory"));
        spec.launcher = "/no/such/launcher";
        started = start_pod(spec);
        ASSERT_TRUE(started.has_error());
        EXPECT_THAT(started.error().message(), HasSubstr("/no/such/launcher"));
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    });
}

TEST(Pod, pods_start_from_several_threads_at_once_and_quickly) {
    in_sandbox([] {
        const auto begin = std::chrono::steady_clock::now();
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([i] {
                for (int j = 0; j < 5; ++j) {
                    ShellPod pod = ShellPod::start("pod" + std::to_string(i));
                    EXPECT_THAT(pod.run("cat /proc/sys/kernel/hostname"), EndsWith("[0]"));
                    EXPECT_TRUE(pod.pod.kill().has_value());
                    EXPECT_TRUE(ended(pod.pod, 5000));
                    EXPECT_TRUE(pod.pod.try_reap().has_value());
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        const auto took = std::chrono::steady_clock::now() - begin;
        std::printf("20 pods: %.1f ms each\n", std::chrono::duration<double, std::milli>(took).count() / 20);
    });
}

TEST(Pod, a_program_inside_can_mount_fuse_and_file_systems) {
    in_sandbox([] {
        ShellPod pod = ShellPod::start("mounter");
        EXPECT_EQ(pod.run("mkdir /mnt/t && mount -t tmpfs none /mnt/t && touch /mnt/t/x"), "[0]");
        if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/fuse is closed to this user";
        // The kernel's part of a FUSE mount: an open descriptor, no helper program.
        EXPECT_EQ(
            pod.run("mkdir /mnt/f; exec 7<>/dev/fuse; "
                    "mount -i -t fuse -o fd=7,rootmode=40000,user_id=$(id -u),group_id=$(id -g) test /mnt/f"
                    " && grep -c ' /mnt/f fuse' /proc/self/mounts"),
            "1\n[0]");
    });
}

}  // namespace
}  // namespace understudy::vmctl
