// SPDX-License-Identifier: Apache-2.0
// The agent's loop: one thread, poll(2). It drives the pure unit supervisor, carries the units' events and
// logs to the region's supervisor, and reaps every child. Process 1 of a host, or a child with a channel
// (tests).
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/event.hpp"
#include "vmctl/agent/channel.hpp"
#include "vmctl/agent/child.hpp"
#include "vmctl/agent/commands.hpp"
#include "vmctl/agent/core/unit_supervisor.hpp"

namespace understudy::vmctl {

class Agent {
  public:
    explicit Agent(Channel channel) : channel_(std::move(channel)) {}
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Until the channel has closed for good, or an orderly shutdown is done. Children may be left: they end
    // with the host.
    void run();

  private:
    struct RunningUnit {
        UnitProcess process;
        std::string partial_event;
    };

    void wait_for_something(Instant now);
    void handle(Message message, Instant now);
    void configure(const HostConfig& config, Instant now);
    void carry_out(Instant now);
    void spawn(const std::string& unit, Instant now);
    void signal_unit(const std::string& unit, int signal);
    void read_events(const std::string& unit, RunningUnit& running, Instant now);
    void read_log(const std::string& unit, RunningUnit& running);
    void reap(Instant now);
    void unit_ended(const std::string& unit, int raw_status, Instant now);
    void report(const std::string& name, const std::string& detail,
                std::map<std::string, AttributeValue> attributes);

    Channel channel_;
    UnitSupervisor supervisor_;
    std::map<std::string, RunningUnit> units_;
    Commands commands_{channel_};
    bool configured_ = false;
    bool done_ = false;
    std::optional<Instant> shutdown_limit_;
    int child_signal_ = -1;
};

}  // namespace understudy::vmctl
