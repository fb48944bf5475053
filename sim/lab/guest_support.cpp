// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/guest_support.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
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
    // Only what the machines run.
    std::set<std::string> targets{fmt::format("{}/understudy-agent", inside::programs)};
    std::map<std::string, std::string> own;  // target -> source
    for (const auto& host : plan_hosts(topology, topology::HostWorld::vm, make_accounts(topology))) {
        if (!host.virtual_machine) continue;
        for (const auto& unit : host.config.units) targets.insert(unit.argv.front());
        for (const OwnProgram& program : host.own_programs) own[program.target] = program.source;
    }
    for (const std::string& target : targets) {
        const auto source = own.find(target);
        const auto file = source == own.end() ? program_directory() / std::filesystem::path(target).filename()
                                              : std::filesystem::path(source->second);
        spec.programs.push_back({file, target});
    }
    spec.first_init = program_directory() / "understudy-first-init";
    spec.init = fmt::format("{}/understudy-agent", inside::programs);
    spec.busybox = "/bin/busybox";
    spec.cache_dir = cache_directory();
    UNDERSTUDY_TRY(const auto image, vmctl::build_guest_image(spec));
    return GuestSupport{image.kernel.string(), image.initrd.string(), image.disk.string(),
                        vmctl::guest_command_line(), vmctl::to_string(accelerator.kind)};
}

}  // namespace understudy::lab
