// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/tap.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::vmctl {

Result<void> create_tap(const std::string& name) {
    UNDERSTUDY_ASSERT(name.size() < IFNAMSIZ, "an interface name has at most 15 characters");
    const io::UniqueFd device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!device.valid()) {
        const int failed = errno;
        return system_error("/dev/net/tun", failed, ErrorKind::environment)
            .with_remedy(failed == EACCES || failed == EPERM ? "run: sudo chmod 666 /dev/net/tun"
                                                             : "run: sudo modprobe tun");
    }
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), name.size());
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (::ioctl(device.get(), TUNSETIFF, &request) != 0) return system_error("tap " + name, errno);
    if (::ioctl(device.get(), TUNSETOWNER, static_cast<unsigned long>(::geteuid())) != 0 ||
        ::ioctl(device.get(), TUNSETPERSIST, 1UL) != 0) {
        return system_error("tap " + name, errno);
    }
    return {};
}

}  // namespace understudy::vmctl
