// SPDX-License-Identifier: Apache-2.0
#include "vmctl/pods/pod.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/memfd.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/json.hpp"
#include "vmctl/network/setup_report.hpp"
#include "vmctl/pods/launch_wire.hpp"
#include "vmctl/pods/pod_processes.hpp"

namespace understudy::vmctl {

namespace {

constexpr SetupLimit pod_start{"pod", "starting it took too long", 20'000};
constexpr int lowest_free_descriptor = 16;  // above all that the launcher is given

std::string instructions(const PodSpec& spec) {
    json::array environment;
    for (const auto& [name, value] : spec.environment) environment.emplace_back(name + "=" + value);
    json::array binds;
    for (const PodBind& bind : spec.binds) {
        binds.push_back({{"source", bind.source}, {"target", bind.target}, {"read_only", bind.read_only}});
    }
    return json::serialize(json::object{{"hostname", spec.hostname},
                                        {"argv", json::array(spec.argv.begin(), spec.argv.end())},
                                        {"environment", std::move(environment)},
                                        {"channel", spec.channel_fd >= 0},
                                        {"binds", std::move(binds)}});
}

Result<io::UniqueFd> in_memory_file(const std::string& text) {
    io::UniqueFd file(::memfd_create("pod", MFD_CLOEXEC));
    if (!file.valid()) return system_error("memfd", errno);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::lseek(file.get(), 0, SEEK_SET) != 0) {
        return system_error("memfd", errno);
    }
    return file;
}

// A copy with a high number: a source that had the number of another's target would be lost to it.
Result<io::UniqueFd> high_copy(int descriptor) {
    io::UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, lowest_free_descriptor));
    if (!copy.valid()) return system_error("descriptor", errno);
    return copy;
}

Result<io::UniqueFd> open_null() {
    const io::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid()) return system_error("/dev/null", errno, ErrorKind::environment);
    return high_copy(null.get());
}

struct LauncherDescriptors {
    io::UniqueFd null, output, channel, instructions, report;
};

Result<pid_t> spawn_launcher(const std::string& path, const LauncherDescriptors& descriptors) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, descriptors.null.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, descriptors.output.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, descriptors.output.get(), 2);
    posix_spawn_file_actions_adddup2(&actions, descriptors.channel.get(), channel_descriptor);
    posix_spawn_file_actions_adddup2(&actions, descriptors.instructions.get(), instructions_descriptor);
    posix_spawn_file_actions_adddup2(&actions, descriptors.report.get(), report_descriptor);
    posix_spawn_file_actions_addclosefrom_np(&actions, report_descriptor + 1);

    // The pod starts with every signal at its default and none blocked, whatever the supervisor has.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);

    std::string program = path;
    std::array<char*, 2> argv{program.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    pid_t pid = -1;
    const int failed =
        ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return system_error(path, failed, ErrorKind::environment)
            .with_remedy("build it: ninja understudy-pod");
    }
    return pid;
}

Error about(const PodSpec& spec, Error error) {
    error.subject = "pod " + spec.hostname + (error.subject.empty() ? "" : ": " + error.subject);
    return error;
}

}  // namespace

Result<Pod> start_pod(const PodSpec& spec) {
    if (spec.argv.empty()) return Error(ErrorKind::bad_input, "pod " + spec.hostname, "no program given");
    LauncherDescriptors descriptors;
    UNDERSTUDY_TRY(io::UniqueFd text, in_memory_file(instructions(spec)));
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    const io::UniqueFd reading(ends[0]);
    io::UniqueFd writing(ends[1]);
    UNDERSTUDY_TRY(descriptors.null, open_null());
    UNDERSTUDY_TRY(descriptors.output, spec.output_fd >= 0 ? high_copy(spec.output_fd) : open_null());
    UNDERSTUDY_TRY(descriptors.channel, spec.channel_fd >= 0 ? high_copy(spec.channel_fd) : open_null());
    UNDERSTUDY_TRY(descriptors.instructions, high_copy(text.get()));
    UNDERSTUDY_TRY(descriptors.report, high_copy(writing.get()));
    const Result<pid_t> launcher = spawn_launcher(spec.launcher, descriptors);
    if (launcher.has_error()) return about(spec, launcher.error());
    // Our copies of the pipe's end must go, or its end would never be seen.
    writing.reset();
    descriptors.report.reset();

    const Result<std::string> report_text = read_setup_report(reading.get(), pod_start);
    if (report_text.has_error()) ::kill(*launcher, SIGKILL);
    wait_for(*launcher);
    if (report_text.has_error()) return about(spec, report_text.error());
    const SetupReport report = parse_setup_report(*report_text);
    if (report.error || report.first_process <= 0) {
        if (report.first_process > 0) wait_for(report.first_process);
        return about(spec, report.error
                               ? *report.error
                               : Error(ErrorKind::failed, "launcher", "it died before the pod existed"));
    }

    Pod pod;
    pod.pid_ = report.first_process;
    pod.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, report.first_process, 0)));
    if (!pod.pidfd_.valid()) return about(spec, system_error("its first process", errno));
    pod.network_namespace_.reset(
        ::open(fmt::format("/proc/{}/ns/net", report.first_process).c_str(), O_RDONLY | O_CLOEXEC));
    pod.pid_namespace_ = pid_namespace_of(report.first_process);
    if (!pod.network_namespace_.valid() || pod.pid_namespace_ == 0) {
        static_cast<void>(pod.kill());
        wait_for(report.first_process);
        return about(spec, Error(ErrorKind::failed, "its first process", "ended at once"));
    }
    return pod;
}

Result<void> Pod::kill() {
    if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0) == 0 || errno == ESRCH) return {};
    return system_error("pod", errno);
}

Result<void> Pod::freeze() {
    return stop_all(pid_namespace_);
}

Result<void> Pod::thaw() {
    continue_all(pid_namespace_);
    return {};
}

io::ProcessMemory Pod::memory() const {
    io::ProcessMemory sum;
    for (const pid_t pid : processes_in(pid_namespace_))
        if (const auto one = io::process_memory(pid)) sum += *one;
    return sum;
}

std::optional<PodExit> Pod::try_reap() {
    siginfo_t info{};
    // P_PIDFD: the process can't be mistaken for a later one with its number.
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0) {
        return std::nullopt;
    }
    if (info.si_code == CLD_EXITED) return PodExit{info.si_status, 0};
    return PodExit{0, info.si_status};
}

}  // namespace understudy::vmctl
