// SPDX-License-Identifier: Apache-2.0
// understudy-agent: process 1 of every host. As a VM's init it sets the guest up first; elsewhere it is given
// its channel.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "vmctl/agent/agent.hpp"
#include "vmctl/agent/guest_init.hpp"

namespace {

constexpr const char* usage =
    "understudy-agent: runs a host's programs for the region's supervisor\n\n"
    "  understudy-agent --channel-fd N   the supervisor's stream is descriptor N (pods)\n"
    "  understudy-agent --init           process 1 of a VM: set the guest up, use its virtio-serial port\n";

int run_in_guest() {
    using namespace understudy;
    vmctl::initialise_guest();
    const auto device = vmctl::find_virtio_port("org.understudy.agent");
    if (device.has_value()) {
        io::UniqueFd port(::open(device->c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        if (port.valid())
            vmctl::Agent(vmctl::Channel(std::move(port), false)).run();
        else
            std::fprintf(stderr, "understudy-agent: %s: %s\n", device->c_str(), std::strerror(errno));
    } else {
        std::fprintf(stderr, "understudy-agent: %s\n", device.error().message().c_str());
    }
    vmctl::power_off_guest();
}

}  // namespace

int main(int argument_count, char** arguments) {
    using namespace understudy;
    const std::string_view first = argument_count > 1 ? arguments[1] : "";
    if (std::string_view(arguments[0]) == "/init" || first == "--init") return run_in_guest();
    if (first == "--channel-fd" && argument_count == 3) {
        const int descriptor = std::atoi(arguments[2]);
        if (descriptor < 3 || ::fcntl(descriptor, F_GETFD) < 0) {
            std::fprintf(stderr, "understudy-agent: descriptor %s: is not open\n", arguments[2]);
            return 2;
        }
        ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        vmctl::Agent(vmctl::Channel(io::UniqueFd(descriptor), true)).run();
        return 0;
    }
    std::fputs(usage, first == "--help" ? stdout : stderr);
    return first == "--help" ? 0 : 2;
}
