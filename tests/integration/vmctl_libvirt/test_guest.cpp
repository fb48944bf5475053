// SPDX-License-Identifier: Apache-2.0
#include "test_guest.hpp"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/io/clock.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;

Result<KernelSource> test_kernel() {
    std::vector<fs::path> candidates;
    if (const char* named = std::getenv("UNDERSTUDY_GUEST_KERNEL")) candidates.push_back(named);
    if (const char* build = std::getenv("UNDERSTUDY_BUILD_DIR"))
        candidates.push_back(fs::path(build) / "guest-kernel");
    if (const char* source = std::getenv("UNDERSTUDY_SOURCE_DIR"))
        candidates.push_back(fs::path(source) / "build/guest-kernel");
    candidates.push_back("/");
    return find_kernel(candidates);
}

GuestImageSpec test_image_spec(const KernelSource& kernel, const fs::path& cache_dir) {
    GuestImageSpec spec;
    spec.kernel = kernel;
    const char* init = std::getenv("UNDERSTUDY_TEST_INIT");
    spec.programs = {{init != nullptr ? init : "", "/opt/understudy/bin/test-init"}};
    const char* first_init = std::getenv("UNDERSTUDY_FIRST_INIT");
    spec.first_init = first_init != nullptr ? first_init : "";
    spec.init = "/opt/understudy/bin/test-init";
    spec.busybox = "/bin/busybox";
    spec.cache_dir = cache_dir;
    return spec;
}

bool AgentChannel::connect(const std::string& path, Duration limit) {
    const Instant deadline = io::monotonic_now() + limit;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    do {
        socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            return true;
        ::usleep(10'000);
    } while (io::monotonic_now() < deadline);
    return false;
}

void AgentChannel::send(const std::string& line) {
    (void)::send(socket_.get(), (line + "\n").data(), line.size() + 1, MSG_NOSIGNAL);
}

std::optional<std::string> AgentChannel::receive(Duration limit) {
    const Instant deadline = io::monotonic_now() + limit;
    for (;;) {
        if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - io::monotonic_now()).count();
        pollfd readable{socket_.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0) return std::nullopt;
        char piece[512];
        const ssize_t got = ::recv(socket_.get(), piece, sizeof piece, 0);
        if (got <= 0) return std::nullopt;
        buffer_.append(piece, static_cast<std::size_t>(got));
    }
}

LifecycleListener EventLog::listener() {
    return [this](const LifecycleEvent& event) {
        const std::scoped_lock lock(mutex_);
        events_.push_back(event);
        changed_.notify_all();
    };
}

bool EventLog::wait_for(const std::string& name, const std::string& text, Duration limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] {
        return std::any_of(events_.begin(), events_.end(), [&](const LifecycleEvent& event) {
            return event.name == name && (event.state + ": " + event.reason).starts_with(text);
        });
    });
}

std::string EventLog::all() {
    const std::scoped_lock lock(mutex_);
    std::string text;
    for (const LifecycleEvent& event : events_)
        text += event.name + " " + event.state + ": " + event.reason + "\n";
    return text;
}

}  // namespace understudy::vmctl
