// SPDX-License-Identifier: Apache-2.0
#include "vmctl/network/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/io/unique_fd.hpp"
#include "vmctl/network/core/error_line.hpp"
#include "vmctl/network/loopback.hpp"
#include "vmctl/network/namespace_refusal.hpp"
#include "vmctl/network/setup_report.hpp"

namespace understudy::vmctl {

namespace {

constexpr SetupLimit sandbox_setup{"sandbox", "setting it up took too long", 20'000};

// What the two children say on the pipe, a line each: "pid N" and "ready", or an Error.
void say(int pipe, const std::string& text) {
    const std::string line = text + "\n";
    [[maybe_unused]] const ssize_t written = ::write(pipe, line.data(), line.size());
}

Result<void> write_file(const std::string& path, const std::string& text) {
    const io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid()) return namespace_refusal(path, errno);
    if (::write(file.get(), text.data(), text.size()) < 0) return namespace_refusal(path, errno);
    return {};
}

Result<void> enter_user_namespace() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(CLONE_NEWUSER) != 0) return namespace_refusal("a new user namespace", errno);
    UNDERSTUDY_CHECK(write_file("/proc/self/setgroups", "deny"));
    UNDERSTUDY_CHECK(write_file("/proc/self/uid_map", fmt::format("{0} {0} 1\n", user)));
    UNDERSTUDY_CHECK(write_file("/proc/self/gid_map", fmt::format("{0} {0} 1\n", group)));
    return {};
}

Result<void> enter_namespaces() {
    if (::geteuid() != 0) UNDERSTUDY_CHECK(enter_user_namespace());
    if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
        return namespace_refusal("new mount, network and PID namespaces", errno);
    }
    return {};
}

// An executed program of an ordinary user keeps ambient capabilities only, and only inheritable ones can be
// ambient.
Result<void> keep_capabilities_across_exec() {
    if (::geteuid() == 0) return {};
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0) return namespace_refusal("capabilities", errno);
    for (auto& set : sets) set.inheritable = set.permitted;
    if (::syscall(SYS_capset, &header, sets.data()) != 0)
        return namespace_refusal("inheritable capabilities", errno);
    for (unsigned number = 0; number < 64; ++number) {
        if ((sets[number / 32].permitted >> (number % 32) & 1) == 0) continue;
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) {
            return namespace_refusal("ambient capabilities", errno);
        }
    }
    return {};
}

struct KeptPath {
    std::string path;
    io::UniqueFd directory;
};

// Opened before /run is covered: a bind from the descriptor then reaches what the path no longer does.
Result<std::vector<KeptPath>> open_kept_paths(const std::vector<std::string>& paths) {
    std::vector<KeptPath> kept;
    for (const std::string& path : paths) {
        std::array<char, PATH_MAX> real{};
        if (::realpath(path.c_str(), real.data()) == nullptr)
            return system_error(path, errno, ErrorKind::environment);
        const std::string resolved = real.data();
        if (!resolved.starts_with("/run/")) continue;
        io::UniqueFd directory(::open(resolved.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!directory.valid()) return system_error(path, errno, ErrorKind::environment);
        kept.push_back({resolved, std::move(directory)});
    }
    return kept;
}

Result<void> set_up_mounts(const SandboxOptions& options) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return namespace_refusal("private mounts", errno);
    }
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
        Error error = namespace_refusal("a fresh /proc", errno);
        error.reason += " (a container that hides parts of /proc forbids it)";
        error.remedy = "start the container with --privileged, or --security-opt systempaths=unconfined";
        return error;
    }
    UNDERSTUDY_TRY(const auto kept, open_kept_paths(options.keep_paths));
    if (::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=256m") != 0) {
        return namespace_refusal("a fresh /run", errno);
    }
    const std::string runtime_directory = fmt::format("/run/user/{}", ::geteuid());
    std::error_code failed;
    std::filesystem::create_directories(runtime_directory, failed);
    if (failed) return system_error(runtime_directory, failed.value(), ErrorKind::environment);
    ::chmod(runtime_directory.c_str(), 0700);
    ::setenv("XDG_RUNTIME_DIR", runtime_directory.c_str(), 1);
    for (const KeptPath& path : kept) {
        std::filesystem::create_directories(path.path, failed);
        if (failed) return system_error(path.path, failed.value(), ErrorKind::environment);
        const std::string source = fmt::format("/proc/self/fd/{}", path.directory.get());
        if (::mount(source.c_str(), path.path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
            return namespace_refusal("keeping " + path.path, errno);
        }
    }
    return {};
}

Result<void> set_up_inside(const SandboxOptions& options) {
    UNDERSTUDY_CHECK(set_up_mounts(options));
    if (::sethostname(options.hostname.data(), options.hostname.size()) != 0) {
        return namespace_refusal("host name", errno);
    }
    if (const int failed = bring_loopback_up(); failed != 0) return namespace_refusal("interface lo", failed);
    return keep_capabilities_across_exec();
}

// noexcept: an exception of body's must not unwind into the caller's code, of which this process is a copy.
[[noreturn]] void run_first_process(const SandboxOptions& options, const std::function<int()>& body,
                                    io::UniqueFd pipe) noexcept {
    if (auto done = set_up_inside(options); done.has_error()) {
        say(pipe.get(), to_error_line(done.error()));
        ::_exit(exit_status(ErrorKind::environment));
    }
    say(pipe.get(), "ready");
    pipe.reset();
    const int status = body();
    std::fflush(nullptr);
    ::_exit(status);
}

// Makes the namespaces and, by a second fork, the first process in them; ends at once, so that this process
// becomes the caller's child.
[[noreturn]] void run_maker(const SandboxOptions& options, const std::function<int()>& body,
                            io::UniqueFd pipe) {
    if (auto done = enter_namespaces(); done.has_error()) {
        say(pipe.get(), to_error_line(done.error()));
        ::_exit(1);
    }
    const pid_t first = ::fork();
    if (first == 0) run_first_process(options, body, std::move(pipe));
    say(pipe.get(), first < 0 ? to_error_line(namespace_refusal("the sandbox's first process", errno))
                              : fmt::format("pid {}", first));
    ::_exit(0);
}

}  // namespace

Result<pid_t> start_sandbox(const SandboxOptions& options, const std::function<int()>& body) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    const io::UniqueFd reading(ends[0]);
    io::UniqueFd writing(ends[1]);
    int was_subreaper = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::fflush(nullptr);

    const pid_t maker = ::fork();
    if (maker == 0) run_maker(options, body, std::move(writing));
    const int fork_errno = errno;
    writing.reset();
    Result<std::string> text =
        maker < 0 ? system_error("fork", fork_errno) : read_setup_report(reading.get(), sandbox_setup);
    if (maker > 0) wait_for(maker);
    ::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper);
    if (text.has_error()) return text.error();

    SetupReport report = parse_setup_report(*text);
    if (report.ready && report.first_process > 0) return report.first_process;
    if (report.first_process > 0) {
        ::kill(report.first_process, SIGKILL);
        wait_for(report.first_process);
    }
    if (report.error) return *report.error;
    return Error(ErrorKind::failed, "sandbox", "its first process died while it was set up");
}

void reap_orphans(const std::vector<pid_t>& keep) {
    // WNOWAIT shows who ended without reaping; one that is kept would be shown again and again, so ask by
    // list.
    std::error_code failed;
    for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const pid_t pid = std::atoi(entry->path().filename().c_str());
        if (pid <= 1 || std::find(keep.begin(), keep.end(), pid) != keep.end()) continue;
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
    }
}

}  // namespace understudy::vmctl
