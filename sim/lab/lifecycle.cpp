// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/lifecycle.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "base/io/clock.hpp"
#include "base/io/interrupt.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/lab/database_requirements.hpp"
#include "sim/lab/database_template.hpp"
#include "sim/lab/guest_support.hpp"
#include "sim/lab/program_requirements.hpp"
#include "sim/lab/region_directory.hpp"
#include "sim/lab/supervisor.hpp"
#include "sim/topology/queries.hpp"
#include "vmctl/network/requirements.hpp"
#include "vmctl/network/sandbox.hpp"

namespace understudy::lab {
namespace {

constexpr Duration down_limit = 10s;
constexpr Duration poll_period = 50ms;

// The supervisor as its starter sees it: a child, and the pipe on which it says how its start went.
struct Started {
    pid_t pid = -1;
    io::UniqueFd startup;
};

// The daemon's streams: nothing in, its log out.
void redirect_streams(const RegionDirectory& directory) {
    const int log =
        ::open(directory.supervisor_log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::close(nothing);
    ::close(log);
}

// What is made for a region on this machine before its supervisor starts.
struct Prepared {
    std::optional<GuestSupport> guest;
    std::string database_template;
};

Result<Started> start_supervisor(const BringUpOptions& options, Prepared prepared, Instant started_at) {
    const RegionDirectory directory(options.name);
    UNDERSTUDY_TRY(const auto lock,
                   directory.create());  // the child's copy holds it for as long as the child lives
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
    Started started;
    started.startup.reset(ends[0]);
    const io::UniqueFd theirs(ends[1]);
    vmctl::SandboxOptions sandbox;
    sandbox.hostname = options.name;
    sandbox.keep_paths = {directory.root().string(), program_directory().string(),
                          cache_directory().string()};
    std::error_code ignored;
    std::filesystem::create_directories(cache_directory(), ignored);
    auto pid = vmctl::start_sandbox(sandbox, [&]() -> int {
        ::setsid();
        ::close(ends[0]);
        redirect_streams(directory);
        SupervisorOptions supervisor;
        supervisor.topology = options.topology;
        supervisor.directory = directory;
        supervisor.world = options.world;
        supervisor.guest = std::move(prepared.guest);
        supervisor.database_template = std::move(prepared.database_template);
        supervisor.program_directory = program_directory().string();
        supervisor.started_at = started_at;
        supervisor.startup_fd = ends[1];
        return run_supervisor(std::move(supervisor));
    });
    if (pid.has_error()) {
        directory.remove();
        return pid.error();
    }
    started.pid = *pid;
    return started;
}

std::string last_log_lines(const RegionDirectory& directory) {
    std::ifstream file(directory.supervisor_log());
    std::string line, last;
    while (std::getline(file, line)) last = line;
    return last;
}

// The supervisor's own word on its start; nothing while it has not spoken.
Result<bool> start_outcome(const Started& started, const RegionDirectory& directory, std::string& said) {
    pollfd ready{started.startup.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) == 1) {
        char bytes[4096];
        const ssize_t count = ::read(started.startup.get(), bytes, sizeof(bytes));
        if (count > 0) said.append(bytes, static_cast<std::size_t>(count));
        if (count == 0 && said.empty())
            return Error(ErrorKind::failed, "supervisor",
                         "ended while it started: " + last_log_lines(directory));
    }
    if (said.empty() || said.back() != '\n') return false;
    boost::system::error_code failure;
    const json::value answer = json::parse(said, failure);
    if (failure || !answer.is_object())
        return Error(ErrorKind::failed, "supervisor", "said what is no answer: " + said);
    if (const auto* ok = answer.get_object().if_contains("ok");
        ok == nullptr || !ok->is_bool() || !ok->get_bool())
        return error_from_json(answer.get_object());
    return true;
}

std::string missing_in(const json::object& status) {
    std::string text;
    for (const auto& entry : status.at("hosts").as_array()) {
        const auto& host = entry.as_object();
        if (host.at("ready").as_bool()) continue;
        text +=
            fmt::format("{}{} is {}", text.empty() ? "" : ", ", std::string_view(host.at("name").as_string()),
                        std::string_view(host.at("state").as_string()));
    }
    if (!text.empty()) return text;
    return status.at("active").is_null() ? "no host is active" : "no attempt of a client was acknowledged";
}

Result<void> wait_until_ready(const BringUpOptions& options, const Started& started, Instant end,
                              const ProgressListener& progress) {
    const RegionDirectory directory(options.name);
    std::string said, missing = "the supervisor starts";
    bool spoke = false;
    while (io::monotonic_now() < end) {
        if (io::interrupted())
            return Error(ErrorKind::failed, fmt::format("region {}", options.name),
                         "its start was interrupted");
        if (!spoke) {
            UNDERSTUDY_TRY(spoke, start_outcome(started, directory, said));
        }
        if (::waitpid(started.pid, nullptr, WNOHANG) == started.pid)
            return Error(ErrorKind::failed, fmt::format("region {}", options.name),
                         "its supervisor ended: " + last_log_lines(directory));
        if (auto client = ControlClient::connect(options.name); client.has_value()) {
            auto answer = client->request({{"command", "status"}}, 5s);
            if (answer.has_value()) {
                const auto& status = answer->at("status").as_object();
                if (status.at("state").as_string() == "ready") return {};
                missing = missing_in(status);
                progress("waiting for " + missing, &status);
            }
        }
        std::this_thread::sleep_for(poll_period);
    }
    return Error(ErrorKind::timeout, fmt::format("region {}", options.name),
                 fmt::format("was not ready within {}: {}", format_duration(options.timeout), missing))
        .with_remedy("give it more time with --timeout");
}

// A process that is about to end, held so that its number cannot come to mean another.
class Ending {
  public:
    explicit Ending(pid_t pid) : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

    void kill() const {
        if (handle_.valid()) ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
    }

    // A sandbox's process 1 has ended only when the kernel has ended every other in it.
    bool wait(Duration limit) const {
        pollfd ended{handle_.get(), POLLIN, 0};
        const auto limit_ms = whole_milliseconds(limit);
        const bool gone = !handle_.valid() || ::poll(&ended, 1, static_cast<int>(limit_ms)) == 1;
        ::waitpid(pid_, nullptr, WNOHANG);  // where it is this process's own child
        return gone;
    }

  private:
    pid_t pid_;
    io::UniqueFd handle_;
};

bool opens(const char* device) {
    return io::UniqueFd(::open(device, O_RDWR | O_CLOEXEC)).valid();
}

// An Error of kind environment that names everything missing, one a line.
Result<void> require_all(const std::vector<vmctl::Requirement>& requirements) {
    std::string missing;
    for (const auto& requirement : requirements)
        if (!requirement.ok)
            missing += fmt::format("{}{}: {}; {}", missing.empty() ? "" : "\n", requirement.name,
                                   requirement.detail, requirement.remedy);
    if (missing.empty()) return {};
    return Error(ErrorKind::environment, "", missing);
}

// What a region cannot do without, looked at in microseconds; only when something is missing is the machine
// examined as `doctor` does it, to name everything at once.
Result<void> check_machine(topology::HostWorld world) {
    const bool taps = world == topology::HostWorld::vm;
    if (opens("/dev/fuse") && (!taps || opens("/dev/net/tun")) && ::access("/usr/sbin/dnsmasq", X_OK) == 0)
        return {};
    auto requirements = vmctl::check_requirements();
    if (!taps) std::erase_if(requirements, [](const auto& each) { return each.name == "/dev/net/tun"; });
    return require_all(requirements);
}

Result<Prepared> prepare(const BringUpOptions& options, const ProgressListener& progress) {
    Prepared prepared;
    if (options.world == topology::HostWorld::vm) {
        UNDERSTUDY_TRY(prepared.guest, prepare_guest(options.topology, progress));
    }
    if (const auto installation = postgresql::newest_installation();
        installation && topology::has_postgresql(options.topology)) {
        progress("preparing PostgreSQL's data", nullptr);
        UNDERSTUDY_TRY(const auto made, prepare_database_template(*installation, cache_directory()));
        prepared.database_template = made.string();
    }
    return prepared;
}

}  // namespace

std::filesystem::path program_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

Result<void> bring_up(const BringUpOptions& options, const ProgressListener& progress) {
    const Instant started_at = io::monotonic_now();
    UNDERSTUDY_CHECK(check_machine(options.world));
    UNDERSTUDY_CHECK(require_all(program_requirements(options.topology)));
    UNDERSTUDY_CHECK(require_all(database_requirements(options.topology)));
    UNDERSTUDY_TRY(auto prepared, prepare(options, progress));
    progress("starting the supervisor", nullptr);
    UNDERSTUDY_TRY(const auto started, start_supervisor(options, std::move(prepared), started_at));
    auto ready = wait_until_ready(options, started, started_at + options.timeout, progress);
    if (ready.has_value()) return ready;
    const Ending supervisor(started.pid);
    supervisor.kill();
    supervisor.wait(down_limit);
    RegionDirectory(options.name).remove();
    return ready;
}

Result<void> take_down(const std::string& name) {
    const RegionDirectory directory(name);
    if (!directory.exists())
        return Error(ErrorKind::failed, fmt::format("region {}", name), "does not exist");
    auto client = ControlClient::connect(name);
    if (client.has_value()) {
        const Ending supervisor(client->supervisor_pid());
        if (client->request({{"command", "down"}}, down_limit).has_error()) supervisor.kill();
        if (!supervisor.wait(down_limit))
            return Error(ErrorKind::timeout, fmt::format("region {}", name), "does not end")
                .with_number(client->supervisor_pid())
                .with_remedy("see " + directory.supervisor_log().string());
    } else if (directory.alive()) {
        return Error(ErrorKind::failed, fmt::format("region {}", name), "is starting and does not answer yet")
            .with_remedy("try again in a second");
    }
    directory.remove();
    return {};
}

}  // namespace understudy::lab
