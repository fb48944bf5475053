// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/accelerator.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/io/unique_fd.hpp"
#include "vmctl/image/files.hpp"
#include "vmctl/image/subprocess.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

// What QEMU's isa-debug-exit device makes of the probe's 0x11: (0x11 << 1) | 1.
constexpr unsigned char probe_answer = 0x11;
constexpr int probe_exit_status = (probe_answer << 1) | 1;

// 32-bit protected mode, as PVH enters it: mov dx, 0xf4; mov al, answer; out dx, al; hlt; jmp to the hlt.
constexpr unsigned char probe_code[] = {0x66, 0xba, 0xf4, 0x00, 0xb0, probe_answer, 0xee, 0xf4, 0xeb, 0xfd};

struct ProbeKernel {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Nhdr note;
    char owner[4];
    std::uint64_t entry;  // the note's description: where PVH enters
    unsigned char code[sizeof probe_code];
};

std::string probe_kernel() {
    constexpr std::uint64_t base = 1u << 20;
    ProbeKernel kernel{};
    std::memcpy(kernel.header.e_ident, ELFMAG, SELFMAG);
    kernel.header.e_ident[EI_CLASS] = ELFCLASS64;
    kernel.header.e_ident[EI_DATA] = ELFDATA2LSB;
    kernel.header.e_ident[EI_VERSION] = EV_CURRENT;
    kernel.header.e_type = ET_EXEC;
    kernel.header.e_machine = EM_X86_64;
    kernel.header.e_version = EV_CURRENT;
    kernel.header.e_phoff = offsetof(ProbeKernel, segments);
    kernel.header.e_ehsize = sizeof(Elf64_Ehdr);
    kernel.header.e_phentsize = sizeof(Elf64_Phdr);
    kernel.header.e_phnum = 2;
    kernel.entry = base + offsetof(ProbeKernel, code);
    kernel.header.e_entry = kernel.entry;
    kernel.segments[0] = {PT_LOAD, PF_R | PF_X, 0, base, base, sizeof kernel, sizeof kernel, 4096};
    constexpr std::uint64_t note_at = offsetof(ProbeKernel, note);
    constexpr std::uint64_t note_size = offsetof(ProbeKernel, code) - note_at;
    kernel.segments[1] = {PT_NOTE, PF_R, note_at, base + note_at, base + note_at, note_size, note_size, 4};
    kernel.note = {sizeof kernel.owner, sizeof kernel.entry, 18};
    std::memcpy(kernel.owner, "Xen", sizeof kernel.owner);
    std::memcpy(kernel.code, probe_code, sizeof probe_code);
    return std::string(reinterpret_cast<const char*>(&kernel), sizeof kernel);
}

// Changes with the boot of the machine and with the QEMU installed.
std::string circumstances(const fs::path& qemu) {
    std::string boot_id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot_id);
    struct stat status {};
    if (::stat(qemu.c_str(), &status) != 0) return {};
    return fmt::format("{} {} {} {}", boot_id, qemu.string(), status.st_size, status.st_mtime);
}

// The file: circumstances, "kvm" or "tcg", the reason; a line each.
std::optional<Accelerator> remembered(const fs::path& file, const std::string& now) {
    std::ifstream lines(file);
    std::string then, kind;
    Accelerator accelerator;
    if (!std::getline(lines, then) || then != now || !std::getline(lines, kind) ||
        !std::getline(lines, accelerator.reason))
        return std::nullopt;
    if (kind != "kvm" && kind != "tcg") return std::nullopt;
    accelerator.kind = kind == "kvm" ? AcceleratorKind::kvm : AcceleratorKind::tcg;
    accelerator.from_cache = true;
    return accelerator;
}

}  // namespace

Result<fs::path> find_qemu() {
    std::istringstream path(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin:/bin");
    for (std::string directory; std::getline(path, directory, ':');) {
        const fs::path program = fs::path(directory) / "qemu-system-x86_64";
        if (::access(program.c_str(), X_OK) == 0) return program;
    }
    return Error(ErrorKind::environment, "qemu-system-x86_64", "is not installed")
        .with_remedy("install the package qemu-system-x86");
}

Result<void> boot_probe_guest(AcceleratorKind kind, const fs::path& cache_dir, Duration limit) {
    UNDERSTUDY_TRY(const fs::path qemu, find_qemu());
    std::error_code error;
    fs::create_directories(cache_dir, error);
    const fs::path kernel = cache_dir / "probe-guest";
    UNDERSTUDY_CHECK(write_file_atomically(kernel, probe_kernel()));
    const std::string subject = to_string(kind);
    const auto ended = run_program(
        {qemu.string(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35",
         "-accel", subject, "-cpu", kind == AcceleratorKind::kvm ? "host" : "max", "-m", "32", "-device",
         "isa-debug-exit,iobase=0xf4,iosize=0x04", "-kernel", kernel.string()},
        limit);
    if (ended.has_error() && ended.error().kind == ErrorKind::timeout)
        return Error(ErrorKind::timeout, subject,
                     "probe guest did not answer within " + format_duration(limit));
    if (ended.has_error()) return ended.error();
    if (ended->status != probe_exit_status) {
        const std::string said = ended->output.substr(0, ended->output.find('\n'));
        return Error(ErrorKind::failed, subject,
                     "QEMU ended without the probe guest's answer" + (said.empty() ? "" : ": " + said))
            .with_number(ended->status);
    }
    return {};
}

Result<Accelerator> proven_accelerator(const fs::path& cache_dir, Duration limit) {
    UNDERSTUDY_TRY(const fs::path qemu, find_qemu());
    const io::UniqueFd device(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
    if (!device.valid())
        return Accelerator{AcceleratorKind::tcg, system_error("/dev/kvm", errno).message(), false};
    const fs::path file = cache_dir / "accelerator";
    const std::string now = circumstances(qemu);
    if (auto known = remembered(file, now)) return *known;
    const auto probe = boot_probe_guest(AcceleratorKind::kvm, cache_dir, limit);
    if (probe.has_error() && probe.error().kind == ErrorKind::environment) return probe.error();
    Accelerator accelerator;
    accelerator.kind = probe.has_value() ? AcceleratorKind::kvm : AcceleratorKind::tcg;
    accelerator.reason = probe.has_value() ? "kvm: a probe guest booted" : probe.error().message();
    UNDERSTUDY_CHECK(write_file_atomically(
        file, fmt::format("{}\n{}\n{}\n", now, to_string(accelerator.kind), accelerator.reason)));
    return accelerator;
}

}  // namespace understudy::vmctl
