// SPDX-License-Identifier: Apache-2.0
// What the tests need to boot a guest: an image with the test init, and its agent channel.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "vmctl/image/guest_image.hpp"
#include "vmctl/libvirt/hypervisor.hpp"

namespace understudy::vmctl {

constexpr Duration boot_limit = 60s;

// A kernel package unpacked by ./dev setup, named by UNDERSTUDY_GUEST_KERNEL, or this machine's own.
Result<KernelSource> test_kernel();

GuestImageSpec test_image_spec(const KernelSource& kernel, const std::filesystem::path& cache_dir);

// The supervisor's end of the channel.
class AgentChannel {
  public:
    // Waits for QEMU to listen.
    bool connect(const std::string& socket, Duration limit);
    void send(const std::string& line);
    // The next line, without its end; nothing when the limit passes or the other side is gone.
    std::optional<std::string> receive(Duration limit);

  private:
    io::UniqueFd socket_;
    std::string buffer_;
};

// Keeps lifecycle events and waits for one.
class EventLog {
  public:
    LifecycleListener listener();
    // "state: reason" of an event of the domain that starts with `text`.
    bool wait_for(const std::string& name, const std::string& text, Duration limit);
    std::string all();

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<LifecycleEvent> events_;
};

}  // namespace understudy::vmctl
