// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/kernel_source.hpp"

#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view image_prefix = "vmlinuz-";

// Newest first: "6.1.0-9" is older than "6.1.0-10".
std::vector<std::string> versions_in(const fs::path& boot) {
    std::vector<std::string> versions;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(boot, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(image_prefix)) versions.push_back(name.substr(image_prefix.size()));
    }
    std::sort(versions.begin(), versions.end(), [](const std::string& a, const std::string& b) {
        return ::strverscmp(a.c_str(), b.c_str()) > 0;
    });
    return versions;
}

// A kernel, or what stands in the way.
Result<KernelSource> kernel_in(const fs::path& candidate) {
    const auto versions = versions_in(candidate / "boot");
    if (versions.empty()) return Error(ErrorKind::environment, candidate.string(), "no boot/vmlinuz-*");
    std::string problem;
    for (const std::string& version : versions) {
        const fs::path image = candidate / "boot" / (std::string(image_prefix) + version);
        if (::access(image.c_str(), R_OK) != 0) {
            problem = image.filename().string() + " is not readable";
            continue;
        }
        for (const char* place : {"lib/modules", "usr/lib/modules"}) {
            const fs::path modules = candidate / place / version;
            std::error_code error;
            if (fs::is_directory(modules / "kernel", error)) return KernelSource{version, image, modules};
        }
        problem = "no modules for " + version;
    }
    return Error(ErrorKind::environment, candidate.string(), problem);
}

}  // namespace

Result<KernelSource> find_kernel(const std::vector<fs::path>& candidates) {
    std::string problems;
    for (const fs::path& candidate : candidates) {
        auto found = kernel_in(candidate);
        if (found.has_value()) return found;
        problems += (problems.empty() ? "" : ", ") + found.error().message();
    }
    return Error(ErrorKind::environment, "guest kernel", "not found (" + problems + ")")
        .with_remedy("run ./dev setup");
}

}  // namespace understudy::vmctl
