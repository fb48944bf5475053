// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/host_setup.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/address.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::vmctl {
namespace {

constexpr int interface_wait_ms = 5000;
constexpr int poll_period_ms = 2;

Result<void> write_file(const std::string& path, const std::string& content, mode_t mode) {
    std::error_code failure;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failure);
    if (failure) return system_error(path, failure.value());
    const io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file.valid()) return system_error(path, errno);
    for (std::size_t at = 0; at < content.size();) {
        const ssize_t count = ::write(file.get(), content.data() + at, content.size() - at);
        if (count < 0 && errno != EINTR) return system_error(path, errno);
        if (count > 0) at += static_cast<std::size_t>(count);
    }
    if (::fchmod(file.get(), mode) != 0) return system_error(path, errno);
    return {};
}

void set_address(sockaddr& place, Ipv4Address address) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(address.bits);
    std::memcpy(&place, &in, sizeof(in));
}

ifreq request_for(const std::string& name) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.c_str(), std::min(name.size(), sizeof(request.ifr_name) - 1));
    return request;
}

Result<void> bring_up(int socket, const std::string& name) {
    ifreq request = request_for(name);
    if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return system_error(name, errno);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) return system_error(name, errno);
    return {};
}

Result<void> wait_for(int socket, const std::string& name) {
    for (int waited = 0; waited <= interface_wait_ms; waited += poll_period_ms) {
        ifreq request = request_for(name);
        if (::ioctl(socket, SIOCGIFINDEX, &request) == 0) return {};
        ::poll(nullptr, 0, poll_period_ms);
    }
    return Error(ErrorKind::timeout, name, "did not appear").with_number(interface_wait_ms);
}

// The label of the second and further addresses: "eth0:1" (netdevice(7): an alias of its own for each).
Result<void> add_address(int socket, const std::string& label, Ipv4Address address) {
    ifreq request = request_for(label);
    set_address(request.ifr_addr, address);
    if (::ioctl(socket, SIOCSIFADDR, &request) != 0)
        return system_error(fmt::format("{} {}", label, to_string(address)), errno);
    set_address(request.ifr_netmask, Ipv4Address{0xFFFFFFFF});
    if (::ioctl(socket, SIOCSIFNETMASK, &request) != 0) return system_error(label, errno);
    return {};
}

Result<void> add_route(int socket, const std::string& name, Ipv4Address destination, Ipv4Address mask,
                       Ipv4Address gateway) {
    rtentry route{};
    std::string device = name;
    set_address(route.rt_dst, destination);
    set_address(route.rt_genmask, mask);
    set_address(route.rt_gateway, gateway);
    route.rt_flags = static_cast<unsigned short>(RTF_UP | (gateway.bits != 0 ? RTF_GATEWAY : 0) |
                                                 (mask.bits == 0xFFFFFFFF ? RTF_HOST : 0));
    route.rt_dev = device.data();
    if (::ioctl(socket, SIOCADDRT, &route) != 0 && errno != EEXIST)
        return system_error(fmt::format("route to {} on {}", to_string(destination), name), errno);
    return {};
}

Result<void> set_interface_up(const InterfaceConfig& interface) {
    const io::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return system_error("interface", errno);
    UNDERSTUDY_CHECK(bring_up(socket.get(), "lo"));
    UNDERSTUDY_CHECK(wait_for(socket.get(), interface.name));
    for (std::size_t i = 0; i < interface.addresses.size(); ++i) {
        UNDERSTUDY_TRY(const auto address, parse_address(interface.addresses[i]));
        UNDERSTUDY_CHECK(add_address(
            socket.get(), i == 0 ? interface.name : fmt::format("{}:{}", interface.name, i), address));
    }
    UNDERSTUDY_CHECK(bring_up(socket.get(), interface.name));
    UNDERSTUDY_TRY(const auto gateway, parse_address(interface.gateway));
    UNDERSTUDY_CHECK(add_route(socket.get(), interface.name, gateway, Ipv4Address{0xFFFFFFFF}, {}));
    return add_route(socket.get(), interface.name, {}, {}, gateway);
}

}  // namespace

Result<void> set_host_up(const HostConfig& config) {
    if (!config.hostname.empty() && ::sethostname(config.hostname.data(), config.hostname.size()) != 0)
        return system_error("hostname " + config.hostname, errno);
    if (!config.resolv_conf.empty())
        UNDERSTUDY_CHECK(write_file("/etc/resolv.conf", config.resolv_conf, 0644));
    if (!config.hosts_file.empty()) UNDERSTUDY_CHECK(write_file("/etc/hosts", config.hosts_file, 0644));
    for (const FileConfig& file : config.files)
        UNDERSTUDY_CHECK(write_file(file.path, file.content, static_cast<mode_t>(file.mode)));
    if (config.interface) UNDERSTUDY_CHECK(set_interface_up(*config.interface));
    return {};
}

}  // namespace understudy::vmctl
