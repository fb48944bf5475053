// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/rig.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "vmctl/agent/host_setup.hpp"

namespace understudy::bench {
namespace {

// Many short connections one after another need every port, and each soon again.
void widen_ports() {
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "1024 65000\n";
    std::ofstream("/proc/sys/net/ipv4/tcp_tw_reuse") << "1\n";
}

}  // namespace

Result<Rig> Rig::create() {
    UNDERSTUDY_TRY(const auto virtual_network, parse_network("192.0.2.0/24"));
    UNDERSTUDY_TRY(const auto public_network, parse_network("203.0.113.0/24"));
    UNDERSTUDY_TRY(const auto internet, parse_network("198.51.100.0/24"));
    UNDERSTUDY_TRY(const auto probe_source, parse_address("203.0.113.254"));
    UNDERSTUDY_TRY(auto fabric,
                   vmctl::Fabric::create({virtual_network, public_network, internet, probe_source}));
    // What is over must not fill the table of connections within a round.
    std::ofstream("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait") << "1\n";
    std::ofstream("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close") << "1\n";
    return Rig(std::move(fabric));
}

Result<void> Rig::add_host(const std::string& name, const std::string& address) {
    UNDERSTUDY_TRY(const auto parsed, parse_address(address));
    io::UniqueFd opened;
    int failure = 0;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            failure = errno;
            return;
        }
        opened.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        if (!opened.valid()) failure = errno;
    }).join();
    if (failure != 0) return system_error("network namespace of " + name, failure, ErrorKind::environment);
    vmctl::PortSpec port;
    port.host = name;
    port.addresses = {parsed};
    UNDERSTUDY_CHECK(fabric_.add_veth_port(port, opened.get()));
    namespaces_[name] = std::move(opened);
    Result<void> set_up;
    inside(name, [&] {
        vmctl::HostConfig config;
        vmctl::InterfaceConfig interface;
        interface.addresses = {address};
        config.interface = interface;
        set_up = vmctl::set_host_up(config);
        widen_ports();
    });
    return set_up;
}

void Rig::inside(const std::string& host, const std::function<void()>& body) const {
    const int descriptor = namespaces_.at(host).get();
    std::thread([&] {
        if (::setns(descriptor, CLONE_NEWNET) != 0) {
            fmt::print(stderr, "understudy-bench: cannot enter the namespace of {}\n", host);
            std::abort();
        }
        body();
    }).join();
}

Result<pid_t> Rig::fork_inside(const std::string& host, int processor, const std::function<int()>& body,
                               const std::string& log) const {
    pid_t child = -1;
    int failure = 0;
    inside(host, [&] {
        child = ::fork();
        if (child != 0) {
            failure = errno;
            return;
        }
        use_processor(processor);
        if (!log.empty()) {
            const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
            ::dup2(output, STDOUT_FILENO);
            ::dup2(output, STDERR_FILENO);
        }
        ::_exit(body());
    });
    if (child < 0) return system_error("fork for " + host, failure);
    return child;
}

Result<pid_t> Rig::run(const std::string& host, int processor, const Command& command,
                       const std::string& log) const {
    const auto execute = [&] {
        if (!command.libraries.empty()) ::setenv("LD_LIBRARY_PATH", command.libraries.c_str(), 1);
        std::vector<char*> pointers;
        std::vector<std::string> copies = command.argv;
        for (std::string& argument : copies) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        ::execv(pointers[0], pointers.data());
        return 127;
    };
    return fork_inside(host, processor, execute, log);
}

void use_processor(int processor) {
    if (processor == any_processor) return;
    cpu_set_t all;
    CPU_ZERO(&all);
    if (::sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2) return;
    int left = processor;
    for (int number = 0; number < CPU_SETSIZE; ++number) {
        if (!CPU_ISSET(number, &all) || left-- > 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(number, &one);
        ::sched_setaffinity(0, sizeof(one), &one);
        return;
    }
}

}  // namespace understudy::bench
