// SPDX-License-Identifier: Apache-2.0
// The supervisor's end of a host's agent: owns the stream, opens sessions, sends requests and hands what the
// agent reports to a handler. Threads: everything runs on the executor handed in, which must be a strand or
// run by one thread; every member is called there, and so are all callbacks. A callback may call members;
// destruction must not happen inside one. Limits: max_queued_bytes of requests wait for a stalled agent;
// beyond, a request is refused with an Error.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/event.hpp"
#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "vmctl/agent/core/protocol.hpp"

namespace understudy::vmctl {

class AgentHandler {
  public:
    virtual ~AgentHandler() = default;
    // A session begins. With hello.fresh (first boot, or after a reset) the agent has no configuration: send
    // it.
    virtual void on_hello(const Hello& hello) = 0;
    virtual void on_configured(const Result<void>& result) = 0;
    virtual void on_event(const std::string& unit, const Event& event) = 0;
    virtual void on_log(const std::string& unit, OutputStream stream, const std::string& bytes) = 0;
    virtual void on_unit_state(const UnitState& state) = 0;
    // Once, when the stream has ended; `reason` in words. No other call follows. Running execs failed before.
    virtual void on_closed(const std::string& reason) = 0;
};

struct ExecRequest {
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;
    bool tty = false;
    int rows = 24;
    int columns = 80;
};

struct ExecCallbacks {
    std::function<void(OutputStream, const std::string& bytes)> on_output;
    // The exit status (128 + signal when a signal ended it), or why there is none. Called exactly once.
    std::function<void(Result<int>)> on_exit;
};

using ExecId = std::uint32_t;

class AgentLink {
  public:
    static constexpr std::size_t max_queued_bytes = 8 << 20;

    // `handler` must outlive the link, or the call of close().
    AgentLink(boost::asio::any_io_executor executor, AgentHandler& handler);
    ~AgentLink();
    AgentLink(const AgentLink&) = delete;
    AgentLink& operator=(const AgentLink&) = delete;

    // A pod: `stream` is one end of a connected unix stream pair; the other is the agent's --channel-fd.
    void start(io::UniqueFd stream);
    // A VM: connects to QEMU's unix socket of the port, trying again until `limit` has passed (then
    // on_closed).
    void start(std::string socket_path, Duration limit);
    // Ends the stream without on_closed; open execs get an Error. A pod's agent exits on it.
    void close();
    bool is_open() const;  // a session is established

    Result<void> configure(const HostConfig& config);
    Result<void> start_unit(const std::string& unit);
    Result<void> stop_unit(const std::string& unit);
    Result<void> signal_unit(const std::string& unit, int signal);
    Result<void> shutdown();
    Result<void> ping(std::function<void(const Pong&)> on_pong);

    Result<ExecId> exec(ExecRequest request, ExecCallbacks callbacks);
    Result<void> exec_input(ExecId id, std::string bytes);
    Result<void> exec_close_input(ExecId id);
    Result<void> exec_resize(ExecId id, int rows, int columns);
    Result<void> exec_signal(ExecId id, int signal);

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace understudy::vmctl
