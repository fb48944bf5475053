// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/requirements.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/io/unique_fd.hpp"
#include "vmctl/network/core/error_line.hpp"
#include "vmctl/network/fabric.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::vmctl {

namespace {

Requirement met(std::string name, std::string detail) {
    return {std::move(name), true, std::move(detail), ""};
}

Requirement unmet(std::string name, const Error& error) {
    std::string detail = error.subject.empty() ? error.reason : error.subject + ": " + error.reason;
    return {std::move(name), false, std::move(detail), error.remedy};
}

// Runs `trial` in a sandbox; its Error comes back over a pipe.
Result<void> try_in_sandbox(Result<void> (*trial)()) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    const io::UniqueFd reading(ends[0]);
    io::UniqueFd writing(ends[1]);
    const Result<pid_t> child = start_sandbox({}, [&writing, trial] {
        const Result<void> done = trial();
        if (done.has_value()) return 0;
        const std::string line = to_error_line(done.error());
        return ::write(writing.get(), line.data(), line.size()) < 0 ? 2 : 1;
    });
    if (child.has_error()) return child.error();
    writing.reset();
    std::string line;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(reading.get(), buffer.data(), buffer.size())) > 0;) {
        line.append(buffer.data(), static_cast<std::size_t>(count));
    }
    int status = 0;
    while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return error_from_line(line);
}

Result<void> try_nothing() {
    return {};
}

Result<void> try_nftables() {
    UNDERSTUDY_TRY(io::Nftables nftables, io::Nftables::open());
    const auto done = nftables.run(render_filter_base());
    if (!done.has_error()) return {};
    Error error = done.error();
    error.remedy = "run: sudo modprobe -a nf_tables nft_ct nft_numgen nf_conntrack";
    return error;
}

Result<void> try_forwarding() {
    const io::UniqueFd file(::open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
    if (file.valid() && ::write(file.get(), "1", 1) == 1) return {};
    return system_error("/proc/sys/net/ipv4/ip_forward", errno, ErrorKind::environment)
        .with_remedy("start the container with --privileged: /proc/sys must be writable");
}

Requirement sandbox_requirement(const char* name, const char* detail, Result<void> (*trial)()) {
    const Result<void> done = try_in_sandbox(trial);
    return done.has_error() ? unmet(name, done.error()) : met(name, detail);
}

Requirement device_requirement(const char* path, const char* module) {
    const io::UniqueFd device(::open(path, O_RDWR | O_CLOEXEC));
    if (device.valid()) return met(path, "opens for reading and writing");
    const bool missing = errno == ENOENT || errno == ENODEV || errno == ENXIO;
    return {
        path, false, system_error("", errno).reason,
        missing ? std::string("run: sudo modprobe ") + module : std::string("run: sudo chmod 666 ") + path};
}

Requirement dnsmasq_requirement() {
    if (::access("/usr/sbin/dnsmasq", X_OK) == 0) return met("dnsmasq", "/usr/sbin/dnsmasq");
    return {"dnsmasq", false, "/usr/sbin/dnsmasq is missing", "run: sudo apt-get install dnsmasq-base"};
}

}  // namespace

std::vector<Requirement> check_requirements() {
    return {
        sandbox_requirement("namespaces", "user, mount, network, PID, IPC and UTS namespaces", try_nothing),
        device_requirement("/dev/net/tun", "tun"),
        device_requirement("/dev/fuse", "fuse"),
        sandbox_requirement("nftables", "sets, maps, conntrack and numgen work", try_nftables),
        sandbox_requirement("ip_forward", "can be set in a network namespace", try_forwarding),
        dnsmasq_requirement()};
}

}  // namespace understudy::vmctl
