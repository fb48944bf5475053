// SPDX-License-Identifier: Apache-2.0
// The messages between the supervisor and a host's agent, as values. How they become bytes is in codec.hpp.
// Control messages are JSON on the wire; exec data and log chunks are raw bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::vmctl {

constexpr int agent_protocol_version = 1;

enum class RestartPolicy { always, on_failure, never };

// A program the agent keeps running. Names are unique in a host.
struct UnitSpec {
    std::string name{};
    std::vector<std::string> argv{};  // argv[0] is the program's path, looked up in PATH when it has no slash
    std::map<std::string, std::string> environment{};
    std::vector<std::string> requires_units{};  // started once all of these are ready
    RestartPolicy restart = RestartPolicy::always;
    Duration restart_delay = 100ms;
    Duration stop_timeout = 2s;       // between SIGTERM and SIGKILL
    std::string working_directory{};  // empty: "/"
    bool operator==(const UnitSpec&) const = default;
};

// Addresses in dotted quad; each becomes a /32 of the interface, and the gateway an on-link route and the
// default.
struct InterfaceConfig {
    std::string name = "eth0";
    std::vector<std::string> addresses{};
    std::string gateway = "169.254.1.1";
    bool operator==(const InterfaceConfig&) const = default;
};

struct FileConfig {
    std::string path{};  // absolute; missing parent directories are made
    std::uint32_t mode = 0644;
    std::string content{};
    bool operator==(const FileConfig&) const = default;
};

// Everything a host needs. Texts that are empty leave the host's own (name, files) alone.
struct HostConfig {
    std::string hostname{};
    std::optional<InterfaceConfig> interface {};
    std::string resolv_conf{};
    std::string hosts_file{};
    std::vector<FileConfig> files{};
    std::vector<UnitSpec> units{};
    bool operator==(const HostConfig&) const = default;
};

// A unit waits for its requirements, starts (spawned, no `ready` yet), is ready, or runs (it was ready and
// took that back). `restarting` is the delay before the next spawn; `failed` is an end that the policy does
// not follow up.
enum class UnitStateName { waiting, starting, ready, running, stopped, restarting, failed };

enum class OutputStream : std::uint8_t { standard_output = 1, standard_error = 2 };

// Supervisor to agent.
struct Configure {
    HostConfig config;
};
struct StartUnit {
    std::string unit{};
};
struct StopUnit {
    std::string unit{};
};  // SIGTERM, SIGKILL after stop_timeout; stays down until StartUnit
struct SignalUnit {
    std::string unit{};
    int signal = 0;
};
struct Exec {
    std::uint32_t id = 0;  // chosen by the supervisor, unique in the session
    std::vector<std::string> argv{};
    std::map<std::string, std::string> environment{};
    bool tty = false;
    int rows = 24;
    int columns = 80;
};
struct ExecInput {
    std::uint32_t id = 0;
    std::string bytes{};
};
struct ExecCloseInput {
    std::uint32_t id = 0;
};
struct ExecResize {
    std::uint32_t id = 0;
    int rows = 24;
    int columns = 80;
};
struct ExecSignal {
    std::uint32_t id = 0;
    int signal = 0;
};
struct Shutdown {};
struct Ping {
    std::uint64_t token = 0;
};

// Agent to supervisor.
struct Hello {
    int version = agent_protocol_version;
    bool fresh = true;  // this agent holds no configuration: the supervisor must configure it
};
struct Configured {
    std::string error{};
};  // empty: done
struct EventLine {
    std::string unit{};
    std::string line{};
};  // the unit's JSON line, without its newline
struct LogChunk {
    std::string unit{};
    OutputStream stream = OutputStream::standard_output;
    std::string bytes{};
};
struct UnitState {
    std::string unit{};
    UnitStateName state = UnitStateName::waiting;
    std::optional<int> pid{};
    std::optional<int> exit_status{};  // of its last end, when it exited
    std::optional<int> exit_signal{};  // of its last end, when a signal ended it
    std::int64_t restarts = 0;
};
struct ExecOutput {
    std::uint32_t id = 0;
    OutputStream stream = OutputStream::standard_output;
    std::string bytes{};
};
struct ExecExit {
    std::uint32_t id = 0;
    int status = 0;
};  // 128 + signal when a signal ended it
struct ExecFailed {
    std::uint32_t id = 0;
    std::string reason{};
};
struct Pong {
    std::uint64_t token = 0;
    std::int64_t memory_total_kib = 0;  // 0: unknown
    std::int64_t memory_available_kib = 0;
};

using Message = std::variant<Configure, StartUnit, StopUnit, SignalUnit, Exec, ExecInput, ExecCloseInput,
                             ExecResize, ExecSignal, Shutdown, Ping, Hello, Configured, EventLine, LogChunk,
                             UnitState, ExecOutput, ExecExit, ExecFailed, Pong>;

const char* to_string(UnitStateName state);
const char* to_string(RestartPolicy policy);

// Names unique, required units known and not in a cycle, argv not empty, paths absolute.
Result<void> validate(const HostConfig& config);

}  // namespace understudy::vmctl
