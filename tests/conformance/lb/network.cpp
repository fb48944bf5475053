// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/support/process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::lb::conformance {
namespace {

Result<void> write_file(const char* path, const std::string& text) {
    const io::UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
    if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error(path, errno, ErrorKind::environment);
    return {};
}

Result<io::UniqueFd> own_namespace() {
    io::UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return system_error("/proc/thread-self/ns/net", errno, ErrorKind::environment);
    return fd;
}

// A thread goes into a new one and hands it out; its own end doesn't matter to who holds the descriptor.
Result<io::UniqueFd> new_namespace() {
    Result<io::UniqueFd> made = io::UniqueFd();
    std::thread([&made] {
        if (::unshare(CLONE_NEWNET) != 0)
            made = system_error("a network namespace", errno, ErrorKind::environment);
        else
            made = own_namespace();
    }).join();
    return made;
}

std::string path_of(const io::UniqueFd& space) {
    return fmt::format("/proc/{}/fd/{}", ::getpid(), space.get());
}

// Commands of ip(8), one a line, in the namespace this thread is in.
Result<void> configure(const test::ScratchDirectory& scratch, const std::string& commands) {
    const auto file = scratch.path() / "commands";
    std::ofstream(file) << commands;
    const test::Outcome outcome = test::run({"ip", "-batch", file.string()});
    if (outcome.status == 0) return {};
    return Error(ErrorKind::failed, "ip -batch", outcome.err + outcome.out).with_number(outcome.status);
}

}  // namespace

Result<void> become_network_administrator() {
    if (::geteuid() == 0) return {};
    const std::string identity = fmt::format("0 {} 1", ::geteuid());
    const std::string group = fmt::format("0 {} 1", ::getegid());
    // The network this program is in as well: nobody may go back into one that isn't his.
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return system_error("a user namespace", errno, ErrorKind::environment)
            .with_remedy("run as root, or allow user namespaces");
    UNDERSTUDY_CHECK(write_file("/proc/self/setgroups", "deny"));
    UNDERSTUDY_CHECK(write_file("/proc/self/uid_map", identity));
    return write_file("/proc/self/gid_map", group);
}

Result<Network> Network::make() {
    Network network;
    UNDERSTUDY_TRY(network.own_, own_namespace());
    UNDERSTUDY_TRY(network.client_, new_namespace());
    UNDERSTUDY_TRY(network.router_, new_namespace());
    for (io::UniqueFd& backend : network.backends_) {
        UNDERSTUDY_TRY(backend, new_namespace());
    }
    const test::ScratchDirectory scratch;
    Result<void> outcome;
    network.as_router([&] {
        std::string commands = fmt::format(
            "link set lo up\n"
            "address add {}/32 dev lo\n"
            "link add client type veth peer name eth0 netns {}\n"
            "address add 198.51.100.1/24 dev client\n"
            "link set client up\n",
            frontend_address, path_of(network.client_));
        for (std::size_t i = 0; i < backend_count; ++i)
            commands += fmt::format(
                "link add {0} type veth peer name eth0 netns {1}\n"
                "address add 192.0.2.1/32 dev {0}\n"
                "link set {0} up\n"
                "route add {2}/32 dev {0} src 192.0.2.1\n",
                fmt::format("backend-{}", backend_names[i]), path_of(network.backends_[i]),
                backend_addresses[i]);
        outcome = configure(scratch, commands);
        if (outcome.has_value()) outcome = write_file("/proc/sys/net/ipv4/ip_forward", "1");
    });
    UNDERSTUDY_CHECK(std::move(outcome));
    network.as_client([&] {
        std::string commands = "link set lo up\nlink set eth0 up\n";
        for (int last = 2; last <= 9; ++last)
            commands += fmt::format("address add 198.51.100.{}/24 dev eth0\n", last);
        outcome = configure(scratch, commands + "route add default via 198.51.100.1\n");
    });
    UNDERSTUDY_CHECK(std::move(outcome));
    for (std::size_t i = 0; i < backend_count; ++i) {
        network.as_backend(i, [&] {
            outcome = configure(scratch, fmt::format("link set lo up\n"
                                                     "link set eth0 up\n"
                                                     "address add {}/24 dev eth0\n"
                                                     "route add default via 192.0.2.1\n",
                                                     backend_addresses[i]));
        });
        UNDERSTUDY_CHECK(std::move(outcome));
    }
    return network;
}

void Network::in(const io::UniqueFd& space, const std::function<void()>& work) const {
    // A test that goes on in the wrong network would say something about another machine.
    if (::setns(space.get(), CLONE_NEWNET) != 0) std::abort();
    work();
    if (::setns(own_.get(), CLONE_NEWNET) != 0) std::abort();
}

namespace {

// Where a backend's answers go, the router itself included.
constexpr const char* silent_routes[] = {"192.0.2.1/32", "198.51.100.0/24", "203.0.113.0/24"};

}  // namespace

Result<void> Network::silence(std::size_t place) const {
    std::string commands;
    for (const char* route : silent_routes) commands += fmt::format("route add blackhole {}\n", route);
    Result<void> outcome;
    as_backend(place, [&] { outcome = configure(test::ScratchDirectory(), commands); });
    return outcome;
}

Result<void> Network::unsilence(std::size_t place) const {
    std::string commands;
    for (const char* route : silent_routes) commands += fmt::format("route del blackhole {}\n", route);
    Result<void> outcome;
    as_backend(place, [&] { outcome = configure(test::ScratchDirectory(), commands); });
    return outcome;
}

std::string Network::router_path() const {
    return path_of(router_);
}

}  // namespace understudy::lb::conformance
