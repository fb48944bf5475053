// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/root_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/io/unique_fd.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t max_root_length = 60;

Result<void> make_directory(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return system_error(path.string(), error.value(), ErrorKind::environment);
    if (::chmod(path.c_str(), 0700) != 0) return system_error(path.string(), errno, ErrorKind::environment);
    return {};
}

std::string configuration() {
    std::string text =
        "security_driver = \"none\"\n"
        "cgroup_controllers = []\n"
        "namespaces = []\n"
        "stdio_handler = \"file\"\n"
        "dynamic_ownership = 0\n"
        "remember_owner = 0\n";
    // As root, libvirt would otherwise run QEMU as a user who can't open the caller's files.
    if (::geteuid() == 0) text += "user = \"root\"\ngroup = \"root\"\n";
    return text;
}

Result<void> write_file(const fs::path& path, const std::string& text) {
    const io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return system_error(path.string(), errno, ErrorKind::environment);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error(path.string(), errno, ErrorKind::environment);
    return {};
}

}  // namespace

Result<void> prepare_root_directory(const fs::path& root, const fs::path& capabilities_cache) {
    if (!root.is_absolute() || root.string().size() > max_root_length)
        return Error(ErrorKind::bad_input, root.string(),
                     "the hypervisor's directory must be an absolute path of at most 60 bytes")
            .with_number(static_cast<std::int64_t>(root.string().size()));
    UNDERSTUDY_CHECK(make_directory(root));
    UNDERSTUDY_CHECK(make_directory(root / "etc"));
    UNDERSTUDY_CHECK(write_file(root / "etc/qemu.conf", configuration()));
    if (!capabilities_cache.empty()) {
        UNDERSTUDY_CHECK(make_directory(capabilities_cache));
        UNDERSTUDY_CHECK(make_directory(root / "cache/qemu"));
        std::error_code error;
        const fs::path link = root / "cache/qemu/capabilities";
        if (!fs::is_symlink(link)) fs::create_directory_symlink(capabilities_cache, link, error);
        if (error) return system_error(link.string(), error.value(), ErrorKind::environment);
    }
    return {};
}

}  // namespace understudy::vmctl
