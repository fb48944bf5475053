// SPDX-License-Identifier: Apache-2.0
// The hosts of a bench: the calling process's network namespace becomes a fabric, the same router that a
// region has, and each host a network namespace of its own on one of its ports. No pods and no agent: only
// what a packet meets. Programs run in a host's namespace, on the processor they are given. Make it in a
// sandbox (start_sandbox), from its first process: the sandbox's end is the end of all of it. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "vmctl/network/fabric.hpp"

namespace understudy::bench {

struct Command {
    std::vector<std::string> argv;
    std::string libraries{};  // a folder to look for shared libraries in, before the usual ones
};

constexpr int any_processor = -1;

class Rig {
  public:
    static Result<Rig> create();

    Result<void> add_host(const std::string& name, const std::string& address);

    // Runs `body` on a thread in the host's namespace and waits for it.
    void inside(const std::string& host, const std::function<void()>& body) const;

    // A program in the host's namespace. Its output goes to `log`. It ends with the sandbox.
    Result<pid_t> run(const std::string& host, int processor, const Command& command,
                      const std::string& log) const;
    // A forked child that ends with body's return value. Its output goes to `log`, or where the caller's
    // goes.
    Result<pid_t> fork_inside(const std::string& host, int processor, const std::function<int()>& body,
                              const std::string& log = "") const;

    vmctl::Fabric& fabric() { return fabric_; }

  private:
    explicit Rig(vmctl::Fabric fabric) : fabric_(std::move(fabric)) {}

    vmctl::Fabric fabric_;
    std::map<std::string, io::UniqueFd> namespaces_;
};

// Binds the calling thread, and the children it makes, to one processor; to any where there is only one.
void use_processor(int processor);

}  // namespace understudy::bench
