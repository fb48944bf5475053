// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/guest_support.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <set>

#include "sim/lab/plan.hpp"
#include "sim/lab/region_directory.hpp"
#include "vmctl/image/accelerator.hpp"
#include "vmctl/image/guest_image.hpp"
#include "vmctl/libvirt/domain.hpp"

namespace understudy::lab {

std::vector<std::filesystem::path> kernel_candidates() {
    std::vector<std::filesystem::path> candidates;
    if (const char* given = std::getenv("UNDERSTUDY_GUEST_KERNEL"); given != nullptr)
        candidates.emplace_back(given);
    candidates.push_back(program_directory().parent_path() / "guest-kernel");
    candidates.push_back(program_directory().parent_path() / "share" / "understudy" / "guest-kernel");
    candidates.emplace_back("/");
    return candidates;
}

Result<GuestSupport> prepare_guest(const topology::Topology& topology, const ProgressListener& progress) {
    progress("proving the accelerator", nullptr);
    UNDERSTUDY_TRY(const auto accelerator,
                   vmctl::proven_accelerator(cache_directory(), vmctl::default_probe_limit));
    progress("preparing the guest image", nullptr);
    vmctl::GuestImageSpec spec;
    UNDERSTUDY_TRY(spec.kernel, vmctl::find_kernel(kernel_candidates()));
    for (const char* program : {"understudy-agent", "understudy-mount", "understudy-node", "understudy-db"})
        spec.programs.push_back(
            {program_directory() / program, fmt::format("{}/{}", inside::programs, program)});
    std::set<std::string> own;
    for (const auto& host : plan_hosts(topology, topology::HostWorld::vm, make_accounts(topology)))
        for (const OwnProgram& program : host.own_programs)
            if (host.virtual_machine && own.insert(program.target).second)
                spec.programs.push_back({program.source, program.target});
    spec.init = fmt::format("{}/understudy-agent", inside::programs);
    spec.busybox = "/bin/busybox";
    spec.cache_dir = cache_directory();
    UNDERSTUDY_TRY(const auto image, vmctl::build_guest_image(spec));
    return GuestSupport{image.kernel.string(), image.initrd.string(), vmctl::guest_command_line(),
                        vmctl::to_string(accelerator.kind)};
}

}  // namespace understudy::lab
