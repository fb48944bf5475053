// SPDX-License-Identifier: Apache-2.0
// The commands that run on a host because someone asked (`exec`, `shell`): their processes, what they read
// and write, and how they ended, as messages of the channel. A command's input is limited; its output waits
// in its pipes while the channel is full. Commands left at the end of the object end with the host. One
// thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "vmctl/agent/channel.hpp"
#include "vmctl/agent/child.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

// How the loop is told what to wait for: poll(2)'s events of a descriptor, and what to do with those that
// came.
using OnReady = std::function<void(short ready, Instant now)>;
using Watch = std::function<void(int descriptor, short events, OnReady action)>;

class Commands {
  public:
    explicit Commands(Channel& channel) : channel_(channel) {}

    void start(const Exec& request);
    void take(const ExecInput& input);
    void take(const ExecCloseInput& close);
    void take(const ExecResize& resize);
    void take(const ExecSignal& signal);

    // `output`: POLLIN while the channel takes more.
    void watch(const Watch& watch, short output);
    void on_exit(pid_t pid, int raw_status);  // of any child
    // Tells how those ended that are over, and forgets them. Not within an action of watch().
    void finish();

  private:
    struct Running {
        ExecProcess process;
        std::string waiting_input;
        bool close_input = false;
        std::optional<int> status;
    };

    Running* find(std::uint32_t id);
    void read(std::uint32_t id, Running& running);
    static void write(Running& running);

    Channel& channel_;
    std::map<std::uint32_t, Running> running_;
};

}  // namespace understudy::vmctl
