// SPDX-License-Identifier: Apache-2.0
// A pod: a process in network, mount, PID, UTS and IPC namespaces of its own, with a private root.
//
// Its root is a tmpfs: /usr (and /bin, /lib … as on the machine) read-only, a minimal /dev with its own
// /dev/pts and /dev/fuse, fresh /proc, /sys where the machine permits it, the few files of /etc that programs
// need (read-only) beside an otherwise empty /etc, and empty writable /tmp /run /var /mnt /opt /root. It may
// mount: its capabilities are those of the sandbox.
//
// The program that is process 1 starts with the given environment and nothing else, stdin /dev/null, stdout
// and stderr the output descriptor, descriptor 3 the channel, no other, in a session of its own, in "/", with
// the loopback interface up and no NIC: the fabric attaches eth0 to network_namespace() when it likes.
//
// A tiny launcher (understudy-pod) makes all this after an exec; between fork and exec there is only
// posix_spawn. So start_pod() may be called from any thread of a process with many, PID 1 included. It must
// run inside a sandbox (start_sandbox): a pod has the rights, and ends at the latest with, the sandbox.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/io/process_memory.hpp"
#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::vmctl {

struct PodBind {
    std::string source;  // a directory or file in the sandbox
    std::string target;  // absolute path in the pod; made, with its parents, when missing
    bool read_only = true;
};

struct PodSpec {
    std::string hostname;
    std::vector<PodBind> binds;
    std::vector<std::string> argv;  // argv[0] is a path in the pod
    std::map<std::string, std::string> environment;
    int channel_fd = -1;   // becomes descriptor 3; borrowed; -1: none
    int output_fd = -1;    // becomes stdout and stderr; borrowed; -1: /dev/null
    std::string launcher;  // path of understudy-pod
};

struct PodExit {
    int status = 0;  // exit status, when signal is 0
    int signal = 0;  // that ended it
};

// Owns the pod's descriptors, not its life: a Pod that goes out of scope leaves the process running.
// Threads: const members from any; the rest one at a time.
class Pod {
  public:
    pid_t pid() const { return pid_; }
    int network_namespace() const { return network_namespace_.get(); }

    // Readable (poll, Asio) once process 1 has ended.
    int pidfd() const { return pidfd_.get(); }

    // SIGKILL to process 1; the kernel ends the rest. Success when it is dead already. Doesn't wait.
    Result<void> kill();

    // SIGSTOP to every process in the pod, repeated until all have stopped (a limit of 2 s); SIGCONT to all.
    Result<void> freeze();
    Result<void> thaw();

    // Of all its processes.
    io::ProcessMemory memory() const;

    // How it ended, once; nothing while it runs or when somebody else has reaped it.
    std::optional<PodExit> try_reap();

    // Drops the network namespace so that it dies with the pod's processes.
    void release_network_namespace() { network_namespace_.reset(); }

  private:
    friend Result<Pod> start_pod(const PodSpec& spec);
    Pod() = default;

    pid_t pid_ = -1;
    std::uint64_t pid_namespace_ = 0;  // inode
    io::UniqueFd pidfd_;
    io::UniqueFd network_namespace_;
};

// Returns when the program has been executed (some milliseconds), or with the Error of the step that failed:
// kind environment where the machine forbids it, bad_input for a bind or program that isn't there.
// The pod is a child of this process. A reaper of orphans must leave Pod::pid() alone until try_reap(), and
// must not reap while start_pod() runs what it doesn't know: start_pod() copes, but the exit status is lost.
Result<Pod> start_pod(const PodSpec& spec);

}  // namespace understudy::vmctl
