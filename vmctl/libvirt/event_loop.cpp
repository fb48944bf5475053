// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/event_loop.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

namespace understudy::vmctl {
namespace {

class EventLoop {
  public:
    EventLoop() {
        // Errors come back as values; libvirt's default is to print them as well.
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
        if (virInitialize() != 0 || virEventRegisterDefaultImpl() != 0) {
            const virErrorPtr error = virGetLastError();
            failure_ = Error(
                ErrorKind::environment, "libvirt event loop",
                error != nullptr && error->message != nullptr ? error->message : "cannot be registered");
            return;
        }
        // A loop without a timer would sleep for ever; this one wakes it to end.
        wake_ = virEventAddTimeout(
            -1, [](int, void*) {}, nullptr, nullptr);
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] {
            while (!ends_) {
                if (virEventRunDefaultImpl() != 0) return;
            }
        });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    ~EventLoop() {
        ends_ = true;
        if (wake_ >= 0) virEventUpdateTimeout(wake_, 0);
        if (thread_.joinable()) thread_.join();
    }

    const std::optional<Error>& failure() const { return failure_; }

  private:
    std::optional<Error> failure_;
    std::atomic<bool> ends_{false};
    int wake_ = -1;
    std::thread thread_;
};

}  // namespace

Result<void> need_event_loop() {
    static EventLoop loop;
    if (loop.failure()) return *loop.failure();
    return {};
}

}  // namespace understudy::vmctl
