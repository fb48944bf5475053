// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/vmctl_pods/region.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "tests/support/paths.hpp"
#include "vmctl/network/core/port_names.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::vmctl {

void in_sandbox(const std::function<void()>& body) {
    const Result<pid_t> pid = start_sandbox({}, [&body] {
        body();
        return ::testing::Test::HasFailure() ? 1 : 0;
    });
    if (pid.has_error() && pid.error().kind == ErrorKind::environment) GTEST_SKIP() << pid.error().message();
    ASSERT_TRUE(pid.has_value()) << pid.error().message();
    int status = 0;
    ASSERT_EQ(::waitpid(*pid, &status, 0), *pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "in the sandbox; wait status " << status;
}

Ipv4Address address(const char* text) {
    return parse_address(text).value();
}

FabricConfig test_config() {
    return {parse_network("192.0.2.0/24").value(), parse_network("203.0.113.0/24").value(),
            parse_network("198.51.100.0/24").value(), address("168.63.129.16")};
}

ShellPod ShellPod::start(const std::string& hostname, std::vector<PodBind> binds) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const io::UniqueFd theirs(ends[1]);
    PodSpec spec;
    spec.hostname = hostname;
    spec.binds = std::move(binds);
    spec.argv = {"/bin/bash", "--norc", "-c",
                 "while IFS= read -r -d '' -u 3 line; do (eval \"$line\") >&3 2>&3 </dev/null; printf "
                 "'[%s]\\0' $? >&3; done"};
    spec.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
    spec.channel_fd = theirs.get();
    spec.output_fd = STDERR_FILENO;
    spec.launcher = test::program("understudy-pod");
    Result<Pod> pod = start_pod(spec);
    if (pod.has_error()) {
        ADD_FAILURE() << pod.error().message();
        std::fflush(nullptr);
        ::_exit(1);
    }
    return {std::move(*pod), io::UniqueFd(ends[0])};
}

std::string ShellPod::run(const std::string& commands, int limit_ms) {
    if (::send(channel.get(), commands.c_str(), commands.size() + 1, MSG_NOSIGNAL) < 0) return "[gone]";
    std::string output;
    while (true) {
        pollfd waiting{channel.get(), POLLIN, 0};
        if (::poll(&waiting, 1, limit_ms) <= 0) return output + "[timeout]";
        char byte = 0;
        if (::read(channel.get(), &byte, 1) != 1) return output + "[gone]";
        if (byte == '\0') return output;
        output += byte;
    }
}

void ShellPod::attach(Fabric& fabric, const PortSpec& spec) {
    const auto added = fabric.add_veth_port(spec, pod.network_namespace());
    ASSERT_TRUE(added.has_value()) << added.error().message();
    std::string commands = "ip link set eth0 up && ";
    for (const Ipv4Address& own : spec.addresses)
        commands += fmt::format("ip addr add {}/32 dev eth0 && ", to_string(own));
    commands += fmt::format("ip route add {0} dev eth0 scope link && ip route add default via {0}",
                            to_string(gateway_address));
    ASSERT_EQ(run(commands), "[0]");
}

}  // namespace understudy::vmctl
