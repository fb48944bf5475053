// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/bare_boot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/io/clock.hpp"
#include "vmctl/image/accelerator.hpp"

extern char** environ;

namespace understudy::bench {
namespace {

struct Guest {
    pid_t pid = -1;
    std::filesystem::path said;  // what its port wrote
};

Result<Guest> start(const std::string& qemu, const lab::GuestSupport& guest, std::uint64_t memory_bytes,
                    const std::filesystem::path& said) {
    std::error_code ignored;
    std::filesystem::remove(said, ignored);
    const std::string accelerator = guest.accelerator == "kvm" ? "kvm" : "tcg,tb-size=32";
    std::vector<std::string> argv{qemu,
                                  "-nodefaults",
                                  "-no-user-config",
                                  "-display",
                                  "none",
                                  "-M",
                                  "q35,vmport=off,hpet=off",
                                  "-accel",
                                  accelerator,
                                  "-cpu",
                                  "max",
                                  "-smp",
                                  "1",
                                  "-m",
                                  fmt::format("{}M", memory_bytes >> 20),
                                  "-kernel",
                                  guest.kernel,
                                  "-initrd",
                                  guest.initrd,
                                  "-append",
                                  guest.command_line,
                                  "-blockdev",
                                  "driver=file,node-name=disk,read-only=on,filename=" + guest.disk,
                                  "-device",
                                  "virtio-blk-pci,drive=disk",
                                  "-device",
                                  "virtio-serial-pci",
                                  "-chardev",
                                  "file,id=agent,path=" + said.string(),
                                  "-device",
                                  "virtserialport,chardev=agent,name=org.understudy.agent",
                                  "-device",
                                  "virtio-rng-pci"};
    std::vector<char*> pointers;
    for (std::string& argument : argv) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    for (const int stream : {0, 1, 2})
        ::posix_spawn_file_actions_addopen(&files, stream, "/dev/null", O_RDWR, 0);
    Guest started{-1, said};
    const int failure = ::posix_spawn(&started.pid, qemu.c_str(), &files, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failure != 0) return system_error(qemu, failure, ErrorKind::environment);
    return started;
}

bool has_spoken(const Guest& guest) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(guest.said, ignored);
    return !ignored && size > 0;
}

}  // namespace

Result<Duration> boot_bare(const lab::GuestSupport& guest, int count, std::uint64_t memory_bytes,
                           const std::string& scratch_folder, Duration limit) {
    UNDERSTUDY_TRY(const auto qemu, vmctl::find_qemu());
    const Instant began = io::monotonic_now();
    std::vector<Guest> guests;
    Result<void> failed;
    for (int i = 0; i < count && failed.has_value(); ++i) {
        auto started = start(qemu.string(), guest, memory_bytes,
                             std::filesystem::path(scratch_folder) / fmt::format("bare-{}", i));
        if (started.has_value())
            guests.push_back(std::move(*started));
        else
            failed = started.error();
    }
    std::size_t spoken = 0;
    while (failed.has_value() && spoken < guests.size()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        spoken = 0;
        for (const Guest& each : guests) spoken += has_spoken(each) ? 1 : 0;
        if (io::monotonic_now() - began > limit)
            failed = Error(ErrorKind::timeout, "bare boot", "took longer than " + format_duration(limit));
    }
    const Duration took = io::monotonic_now() - began;
    for (const Guest& each : guests) {
        ::kill(each.pid, SIGKILL);
        ::waitpid(each.pid, nullptr, 0);
        std::error_code ignored;
        std::filesystem::remove(each.said, ignored);
    }
    if (failed.has_error()) return failed.error();
    return took;
}

}  // namespace understudy::bench
