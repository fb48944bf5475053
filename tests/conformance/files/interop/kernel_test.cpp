// SPDX-License-Identifier: Apache-2.0
// The Linux kernel's own 9P client against our service: a guest with Debian's generic kernel and busybox
// mounts a share over TCP and tells what it found (guest-init.sh). Meanwhile this host uses the same share
// with our own mount: each sees what the other wrote.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/conformance/files/service.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/paths.hpp"
#include "vmctl/image/cpio.hpp"
#include "vmctl/image/kernel_source.hpp"
#include "vmctl/image/modules.hpp"

namespace understudy::files::testing {
namespace {

constexpr const char* emulator = "/usr/bin/qemu-system-x86_64";

void put(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

// The first root file system: busybox, flock(1) with its library, the modules and the script.
Result<void> make_root(const vmctl::KernelSource& kernel, const std::string& into) {
    vmctl::CpioArchive root;
    for (const char* program :
         {"/bin/busybox", "/usr/bin/flock", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"})
        root.add_file(program + 1, test::content_of(program), 0755);
    root.add_file(
        "init", test::content_of(test::source_directory() / "tests/conformance/files/interop/guest-init.sh"),
        0755);
    root.add_directory("dev");
    root.add_character_device("dev/console", 0600, 5, 1);
    UNDERSTUDY_TRY(auto modules,
                   vmctl::collect_modules(kernel, {"virtio_pci", "virtio_net", "9pnet_fd", "9p"}));
    std::string order;
    for (const vmctl::KernelModule& module : modules) {
        root.add_file("modules/" + module.name + ".ko", module.content);
        order += module.name + ".ko\n";
    }
    root.add_file("modules/order", order);
    std::ofstream(into, std::ios::binary) << root.bytes();
    return {};
}

TEST(KernelClient, a_guest_s_own_9p_client_uses_the_share_beside_our_mount) {
    auto kernel = vmctl::find_kernel({std::string(std::getenv("UNDERSTUDY_GENERIC_KERNEL"))});
    if (kernel.has_error()) GTEST_SKIP() << "linux-image-amd64 isn't unpacked: " << kernel.error().message();
    if (::access(emulator, X_OK) != 0) GTEST_SKIP() << "package qemu-system-x86 is missing";
    ServiceOptions options;
    options.client_lease = "30s";  // an emulated guest is slow
    auto started = Service::start(1, options);
    if (started.has_error() && started.error().kind == ErrorKind::environment)
        GTEST_SKIP() << started.error().message();
    ASSERT_TRUE(started.has_value()) << started.error().message();
    Service& service = **started;
    put(service.at("a", "from-host"), "from the host");
    Result<void> root = make_root(*kernel, service.scratch("root.cpio"));
    ASSERT_TRUE(root.has_value()) << root.error().message();

    std::string console = service.scratch("console"), serial = "file:" + console;
    std::string initrd = service.scratch("root.cpio"), image = kernel->image.string();
    std::string command_line = fmt::format("console=ttyS0 quiet panic=-1 share_port={}", service.port());
    Child guest([&] {
        ::execl(emulator, emulator, "-M", "q35", "-cpu", "max", "-m", "384", "-accel", "tcg", "-no-reboot",
                "-display", "none", "-monitor", "none", "-serial", serial.c_str(), "-kernel", image.c_str(),
                "-initrd", initrd.c_str(), "-append", command_line.c_str(), "-nic",
                "user,model=virtio-net-pci,restrict=off", nullptr);
        return 127;
    });
    bool asked = test::eventually([&] { return ::access(service.at("a", "look").c_str(), F_OK) == 0; }, 200s);
    ASSERT_TRUE(asked) << test::content_of(console);
    EXPECT_EQ(test::content_of(service.at("a", "d/e/renamed")), "from");  // as the guest cut it
    put(service.at("a", "looked.new"), "looked");
    std::filesystem::rename(service.at("a", "looked.new"), service.at("a", "looked"));
    ASSERT_TRUE(guest.has_ended(100s)) << test::content_of(console);

    std::string told = test::content_of(console);
    EXPECT_NE(told.find("guest done"), std::string::npos) << told;
    EXPECT_EQ(told.find("wrong "), std::string::npos) << told;
    std::size_t answers = 0;
    for (std::size_t at = 0; (at = told.find("ok ", at)) != std::string::npos; ++at) ++answers;
    EXPECT_GE(answers, 23U) << told;
}

}  // namespace
}  // namespace understudy::files::testing
