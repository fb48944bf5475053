// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/io/unique_fd.hpp"

namespace understudy::lb {

Result<void> in_network_namespace(const std::string& path, const std::function<Result<void>()>& work) {
    if (path.empty()) return work();
    const io::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid())
        return system_error("network namespace " + path, errno, ErrorKind::bad_input)
            .with_remedy("name a file that `ip netns` or the fabric has made");
    Result<void> done;
    std::thread([&file, &path, &work, &done] {
        if (::setns(file.get(), CLONE_NEWNET) == 0) {
            done = work();
            return;
        }
        const int failed = errno;
        done = system_error("network namespace " + path, failed, ErrorKind::environment)
                   .with_remedy("give this process CAP_SYS_ADMIN and CAP_NET_ADMIN, or data_path: proxy");
    }).join();
    return done;
}

namespace {

std::string read_setting(const char* path) {
    const io::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    std::array<char, 16> text{};
    if (!file.valid() || ::read(file.get(), text.data(), text.size() - 1) <= 0) return "";
    return std::string(text.data(), 1);
}

}  // namespace

Result<void> check_namespace(const Config& config) {
    if (read_setting("/proc/sys/net/ipv4/ip_forward") == "0")
        return Error(ErrorKind::environment, "net.ipv4.ip_forward", "is off: nothing would reach a backend")
            .with_remedy("run: sudo sysctl -w net.ipv4.ip_forward=1");
    bool resets = config.outbound && config.outbound->tcp_reset;
    for (const Rule& rule : config.rules) resets = resets || rule.tcp_reset;
    for (const InboundNatRule& rule : config.inbound_nat_rules) resets = resets || rule.tcp_reset;
    if (resets && read_setting("/proc/sys/net/netfilter/nf_conntrack_tcp_loose") == "0")
        return Error(ErrorKind::environment, "net.netfilter.nf_conntrack_tcp_loose",
                     "is off: tcp_reset could not know a segment without a flow from a broken one")
            .with_remedy("run: sudo sysctl -w net.netfilter.nf_conntrack_tcp_loose=1");
    return {};
}

}  // namespace understudy::lb
