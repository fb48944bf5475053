// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/pod_machine.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "vmctl/pods/pod.hpp"

namespace understudy::lab {
namespace {

// How long a killed pod's processes may take to be gone: the kernel's work, not theirs.
constexpr int end_limit_ms = 5000;

class PodMachine : public Machine {
  public:
    PodMachine(vmctl::PortSpec port, vmctl::PodSpec pod, std::string output_path, vmctl::Fabric& fabric)
        : port_(std::move(port)),
          spec_(std::move(pod)),
          output_path_(std::move(output_path)),
          fabric_(fabric) {}

    Result<void> plug_before_start() override { return {}; }

    Result<io::UniqueFd> start() override {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            return system_error(port_.host, errno);
        io::UniqueFd ours(ends[0]);
        const io::UniqueFd theirs(ends[1]);
        const io::UniqueFd output(
            ::open(output_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        if (!output.valid()) return system_error(output_path_, errno);
        spec_.channel_fd = theirs.get();
        spec_.output_fd = output.get();
        UNDERSTUDY_TRY(pod_, vmctl::start_pod(spec_));
        return ours;
    }

    Result<void> plug_after_start() override {
        UNDERSTUDY_CHECK(fabric_.add_veth_port(port_, pod_->network_namespace()));
        pod_->release_network_namespace();
        return {};
    }

    Result<void> unplug() override { return fabric_.remove_port(port_.host); }

    Result<void> stop() override {
        if (!pod_) return {};
        UNDERSTUDY_CHECK(pod_->kill());
        pollfd ended{pod_->pidfd(), POLLIN, 0};
        if (::poll(&ended, 1, end_limit_ms) != 1)
            return Error(ErrorKind::timeout, port_.host, "its processes do not end after SIGKILL")
                .with_number(pod_->pid());
        pod_->try_reap();
        pod_.reset();
        return {};
    }

    bool resets_in_place() const override { return false; }
    Result<void> reset_in_place() override {
        return Error(ErrorKind::failed, port_.host, "a pod is not reset in place");
    }
    Result<void> pause() override { return pod_ ? pod_->freeze() : off(); }
    Result<void> resume() override { return pod_ ? pod_->thaw() : off(); }
    io::ProcessMemory memory() const override { return pod_ ? pod_->memory() : io::ProcessMemory(); }

  private:
    Result<void> off() const { return Error(ErrorKind::failed, port_.host, "is off"); }

    vmctl::PortSpec port_;
    vmctl::PodSpec spec_;
    std::string output_path_;
    vmctl::Fabric& fabric_;
    std::optional<vmctl::Pod> pod_;
};

}  // namespace

std::unique_ptr<Machine> make_pod_machine(const HostPlan& plan, const SupervisorOptions& options,
                                          vmctl::Fabric& fabric) {
    vmctl::PodSpec pod;
    pod.hostname = plan.name;
    pod.launcher = options.program_directory + "/understudy-pod";
    pod.argv = {std::string(inside::programs) + "/understudy-agent", "--channel-fd", "3"};
    pod.environment = {{"PATH", std::string(inside::programs) + ":/usr/sbin:/usr/bin:/sbin:/bin"},
                       {"HOME", "/root"},
                       {"TERM", "linux"}};
    for (const char* passed : {"UNDERSTUDY_LOG", "ASAN_OPTIONS"})
        if (const char* value = std::getenv(passed)) pod.environment[passed] = value;
    const auto data = options.directory.data(plan.name);
    std::error_code ignored;  // start_pod() names a bind that is not there
    std::filesystem::create_directories(data / "export", ignored);
    pod.binds.push_back({options.program_directory, inside::programs, true});
    pod.binds.push_back({data.string(), inside::data, false});
    for (const OwnProgram& own : plan.own_programs) pod.binds.push_back({own.source, own.target, true});
    if (plan.copies_database_template)
        pod.binds.push_back({options.database_template, inside::database_template, true});
    // The supervisor's own network namespace is the fabric, and it is process 1 of the sandbox.
    if (plan.writes_fabric) pod.binds.push_back({"/proc/1/ns/net", inside::fabric_namespace, false});
    const std::string output = options.directory.log(plan.name).string();
    return std::make_unique<PodMachine>(
        vmctl::PortSpec{plan.name, plan.addresses, plan.security_group, plan.floating}, std::move(pod),
        output, fabric);
}

}  // namespace understudy::lab
