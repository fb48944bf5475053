// SPDX-License-Identifier: Apache-2.0
// understudy-pod: makes a pod's namespaces and root, then executes its program. It has one thread and few
// lines so that start_pod() has nothing to do between fork and exec. It is no program for people: see
// launch_wire.hpp.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "vmctl/network/core/error_line.hpp"
#include "vmctl/network/loopback.hpp"
#include "vmctl/pods/launch_wire.hpp"
#include "vmctl/pods/pod_root.hpp"

namespace understudy::vmctl {

namespace {

struct Instructions {
    std::string hostname;
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    bool channel = false;
    std::vector<RootBind> binds;
};

void report(const std::string& text) {
    const std::string line = text + "\n";
    [[maybe_unused]] const ssize_t written = ::write(report_descriptor, line.data(), line.size());
}

Result<std::string> read_instructions() {
    std::string text;
    std::array<char, 8192> buffer{};
    ssize_t count = 0;
    while ((count = ::read(instructions_descriptor, buffer.data(), buffer.size())) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    if (count < 0) return system_error("understudy-pod", errno);
    return text;
}

// The document comes from start_pod(): one that doesn't fit is a defect, and boost::json's exceptions end the
// program.
Instructions parse(const std::string& text) {
    const json::value document = json::parse(text);
    Instructions instructions;
    instructions.hostname = std::string(document.at("hostname").as_string());
    for (const json::value& item : document.at("argv").as_array()) {
        instructions.argv.emplace_back(item.as_string());
    }
    for (const json::value& item : document.at("environment").as_array()) {
        instructions.environment.emplace_back(item.as_string());
    }
    instructions.channel = document.at("channel").as_bool();
    for (const json::value& item : document.at("binds").as_array()) {
        instructions.binds.push_back({std::string(item.at("source").as_string()),
                                      std::string(item.at("target").as_string()),
                                      item.at("read_only").as_bool()});
    }
    return instructions;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (std::string& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// Returns only with an Error.
Result<void> become(Instructions& instructions) {
    UNDERSTUDY_CHECK(enter_pod_root(instructions.binds));
    if (::sethostname(instructions.hostname.data(), instructions.hostname.size()) != 0) {
        return system_error("host name", errno, ErrorKind::environment);
    }
    if (const int failed = bring_loopback_up(); failed != 0) return system_error("interface lo", failed);
    ::setsid();
    ::close(instructions_descriptor);
    if (!instructions.channel) ::close(channel_descriptor);
    ::fcntl(report_descriptor, F_SETFD, FD_CLOEXEC);
    const std::vector<char*> argv = pointers(instructions.argv);
    const std::vector<char*> environment = pointers(instructions.environment);
    ::execve(argv[0], argv.data(), environment.data());
    return system_error("program " + instructions.argv.front(), errno, ErrorKind::bad_input);
}

int run() {
    Result<std::string> text = read_instructions();
    if (text.has_error()) {
        report(to_error_line(text.error()));
        return 1;
    }
    Instructions instructions = parse(*text);
    if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) != 0) {
        report(to_error_line(
            system_error("new namespaces", errno, ErrorKind::environment)
                .with_remedy("start pods inside a sandbox; understudy doctor says what is missing")));
        return 1;
    }
    // As a child of this process's parent: whoever asked for the pod waits for it, not a launcher that is
    // gone.
    const long pid = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (pid < 0) {
        report(to_error_line(system_error("the pod's first process", errno, ErrorKind::environment)));
        return 1;
    }
    if (pid > 0) {
        report(fmt::format("pid {}", pid));
        return 0;
    }
    const Result<void> failed = become(instructions);
    report(to_error_line(failed.error()));
    return 1;
}

}  // namespace

}  // namespace understudy::vmctl

int main(int argc, char**) {
    struct stat info {};
    if (argc > 1 || ::fstat(understudy::vmctl::report_descriptor, &info) != 0) {
        std::fputs("understudy-pod starts one pod inside a region; understudy runs it, people don't\n",
                   stderr);
        return 2;
    }
    // _exit: the address sanitizer's leak check would need /proc of a namespace that is not there.
    ::_exit(understudy::vmctl::run());
}
