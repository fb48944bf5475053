// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/agent.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "base/event.hpp"
#include "base/io/clock.hpp"
#include "vmctl/agent/host_setup.hpp"

namespace understudy::vmctl {
namespace {

constexpr Duration shutdown_limit = 5s;
constexpr std::size_t longest_event_line = 64 << 10;
constexpr std::size_t most_waiting_input = 1 << 20;

// Reads what a non-blocking descriptor has; false at its end.
bool read_some(int descriptor, std::string& into) {
    char bytes[max_chunk_bytes];
    const ssize_t count = ::read(descriptor, bytes, sizeof(bytes));
    if (count > 0)
        into.assign(bytes, static_cast<std::size_t>(count));
    else
        into.clear();
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

int shell_status(int raw) {
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

}  // namespace

void Agent::run() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &children, nullptr);
    const io::UniqueFd signals(::signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC));
    child_signal_ = signals.get();
    channel_.open_session(true, io::monotonic_now());
    while (!done_ && !channel_.closed()) {
        Instant now = io::monotonic_now();
        if (shutdown_limit_ && now >= *shutdown_limit_) return;
        channel_.on_timeout(!configured_, now);
        if (const auto deadline = supervisor_.next_deadline(); deadline && deadline->when <= now)
            supervisor_.on_timeout(now);
        carry_out(now);
        if (!done_) wait_for_something(now);
    }
    channel_.write();
}

void Agent::wait_for_something(Instant now) {
    std::vector<pollfd> watched;
    std::vector<std::function<void(short, Instant)>> actions;
    const auto watch = [&](int descriptor, short events, std::function<void(short, Instant)> action) {
        if (descriptor < 0 || events == 0) return;
        watched.push_back({descriptor, events, 0});
        actions.push_back(std::move(action));
    };
    watch(channel_.descriptor(), static_cast<short>(POLLIN | (channel_.wants_to_write() ? POLLOUT : 0)),
          [this](short ready, Instant then) {
              if ((ready & POLLOUT) != 0) channel_.write();
              if ((ready & (POLLIN | POLLHUP | POLLERR)) == 0) return;
              for (Message& message : channel_.read(!configured_, then)) handle(std::move(message), then);
          });
    // What a full channel cannot take stays in the pipes, and slows down whoever writes it.
    const short output = channel_.congested() ? 0 : POLLIN;
    for (auto& [name, running] : units_) {
        watch(running.process.events.get(), output,
              [this, &name = name, &running = running](short, Instant then) {
                  read_events(name, running, then);
              });
        watch(running.process.output.get(), output,
              [this, &name = name, &running = running](short, Instant) { read_log(name, running); });
    }
    for (auto& [id, running] : execs_) {
        const bool writes = !running.waiting_input.empty();
        const auto action = [this, id = id, &running = running](short ready, Instant) {
            if ((ready & POLLOUT) != 0) write_exec(running);
            if ((ready & (POLLIN | POLLHUP)) != 0) read_exec(id, running);
        };
        watch(running.process.output.get(),
              static_cast<short>(output | (writes && running.process.tty ? POLLOUT : 0)), action);
        watch(running.process.error.get(), output, action);
        if (writes && !running.process.tty) watch(running.process.input.get(), POLLOUT, action);
    }
    // Last: reaping forgets units, which the actions above refer to.
    watch(child_signal_, POLLIN, [this](short, Instant then) { reap(then); });
    std::optional<Instant> until = channel_.next_greeting();
    if (const auto deadline = supervisor_.next_deadline())
        until = until ? std::min(*until, deadline->when) : deadline->when;
    if (shutdown_limit_) until = until ? std::min(*until, *shutdown_limit_) : *shutdown_limit_;
    int timeout_ms = -1;
    if (until)
        timeout_ms = static_cast<int>(
            std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(*until - now).count()));
    // An unconnected port hangs up all the time: without a pause this would be a busy loop.
    if (::poll(watched.data(), watched.size(), timeout_ms) <= 0) return;
    const Instant then = io::monotonic_now();
    const bool only_hung_up = std::all_of(watched.begin(), watched.end(), [](const pollfd& entry) {
        return entry.revents == 0 || entry.revents == POLLHUP;
    });
    for (std::size_t i = 0; i < watched.size(); ++i)
        if (watched[i].revents != 0) actions[i](watched[i].revents, then);
    finish_execs();
    if (only_hung_up) ::poll(nullptr, 0, 5);
}

void Agent::handle(Message message, Instant now) {
    if (auto* configuration = std::get_if<Configure>(&message))
        configure(configuration->config, now);
    else if (auto* start = std::get_if<StartUnit>(&message))
        supervisor_.handle(StartRequested{start->unit}, now);
    else if (auto* stop = std::get_if<StopUnit>(&message))
        supervisor_.handle(StopRequested{stop->unit}, now);
    else if (auto* signal = std::get_if<SignalUnit>(&message))
        signal_unit(signal->unit, signal->signal);
    else if (auto* exec = std::get_if<Exec>(&message))
        start_exec(*exec);
    else if (auto* ping = std::get_if<Ping>(&message))
        channel_.send(Pong{ping->token, 0, 0});
    else if (std::holds_alternative<Shutdown>(message)) {
        shutdown_limit_ = now + shutdown_limit;
        supervisor_.handle(ShutdownRequested{}, now);
    } else if (auto* input = std::get_if<ExecInput>(&message)) {
        const auto found = execs_.find(input->id);
        if (found == execs_.end() || found->second.waiting_input.size() > most_waiting_input) return;
        found->second.waiting_input += input->bytes;
        write_exec(found->second);
    } else if (auto* close = std::get_if<ExecCloseInput>(&message)) {
        const auto found = execs_.find(close->id);
        if (found == execs_.end()) return;
        found->second.close_input = true;
        write_exec(found->second);
    } else if (auto* resize = std::get_if<ExecResize>(&message)) {
        const auto found = execs_.find(resize->id);
        if (found != execs_.end() && found->second.process.tty)
            resize_terminal(found->second.process.output.get(), resize->rows, resize->columns);
    } else if (auto* told = std::get_if<ExecSignal>(&message)) {
        const auto found = execs_.find(told->id);
        if (found != execs_.end()) ::kill(-found->second.process.pid, told->signal);
    }
}

void Agent::configure(const HostConfig& config, Instant now) {
    if (configured_) return channel_.send(Configured{"configured already"});
    Result<void> done = validate(config);
    if (done.has_value()) done = set_host_up(config);
    channel_.send(Configured{done.has_value() ? "" : done.error().message()});
    if (done.has_error()) return;
    configured_ = true;
    supervisor_.handle(UnitsConfigured{config.units}, now);
}

void Agent::carry_out(Instant now) {
    // Carrying an action out may bring further ones.
    for (auto actions = supervisor_.take_actions(); !actions.empty(); actions = supervisor_.take_actions())
        for (const UnitAction& action : actions) {
            if (const auto* start = std::get_if<SpawnUnit>(&action))
                spawn(start->unit, now);
            else if (const auto* signal = std::get_if<SignalProcess>(&action))
                signal_unit(signal->unit, signal->signal);
            else if (const auto* state = std::get_if<ReportState>(&action))
                channel_.send(state->state);
            else
                done_ = true;
        }
}

void Agent::spawn(const std::string& unit, Instant now) {
    const UnitSpec* spec = supervisor_.find(unit);
    if (spec == nullptr) return;
    auto process = spawn_unit({spec->argv, spec->environment, spec->working_directory});
    if (process.has_error()) {
        report("unit_failed", process.error().message(), {{"unit", unit}});
        return supervisor_.handle(UnitSpawnFailed{unit}, now);
    }
    const pid_t pid = process->pid;
    units_[unit] = RunningUnit{std::move(*process), {}};
    report("unit_started", fmt::format("{} as process {}", spec->argv.front(), pid),
           {{"unit", unit}, {"pid", static_cast<std::int64_t>(pid)}});
    supervisor_.handle(UnitSpawned{unit, pid}, now);
}

void Agent::signal_unit(const std::string& unit, int signal) {
    const auto found = units_.find(unit);
    if (found != units_.end()) ::kill(found->second.process.pid, signal);
}

void Agent::read_events(const std::string& unit, RunningUnit& running, Instant now) {
    std::string bytes;
    if (!read_some(running.process.events.get(), bytes)) running.process.events.reset();
    running.partial_event += bytes;
    std::size_t at = 0;
    for (std::size_t end; (end = running.partial_event.find('\n', at)) != std::string::npos; at = end + 1) {
        std::string line = running.partial_event.substr(at, end - at);
        const auto event = event_from_json_line(line);
        channel_.send(EventLine{unit, std::move(line)});
        if (event.has_error()) continue;
        if (event->name == "ready") supervisor_.handle(UnitReady{unit}, now);
        if (event->name == "not_ready") supervisor_.handle(UnitNotReady{unit}, now);
    }
    running.partial_event.erase(0, at);
    if (running.partial_event.size() > longest_event_line) running.partial_event.clear();
}

void Agent::read_log(const std::string& unit, RunningUnit& running) {
    std::string bytes;
    if (!read_some(running.process.output.get(), bytes)) running.process.output.reset();
    if (!bytes.empty()) channel_.send(LogChunk{unit, OutputStream::standard_output, std::move(bytes)});
}

void Agent::start_exec(const Exec& request) {
    if (request.argv.empty() || execs_.contains(request.id))
        return channel_.send(ExecFailed{request.id, "no command was given"});
    auto process =
        spawn_exec({request.argv, request.environment, ""}, request.tty, request.rows, request.columns);
    if (process.has_error()) return channel_.send(ExecFailed{request.id, process.error().message()});
    execs_[request.id].process = std::move(*process);
}

void Agent::read_exec(std::uint32_t id, RunningExec& running) {
    std::string bytes;
    if (running.process.output.valid()) {
        if (!read_some(running.process.output.get(), bytes)) running.process.output.reset();
        if (!bytes.empty()) channel_.send(ExecOutput{id, OutputStream::standard_output, std::move(bytes)});
    }
    if (running.process.error.valid()) {
        if (!read_some(running.process.error.get(), bytes)) running.process.error.reset();
        if (!bytes.empty()) channel_.send(ExecOutput{id, OutputStream::standard_error, std::move(bytes)});
    }
}

void Agent::write_exec(RunningExec& running) {
    const int descriptor = running.process.tty ? running.process.output.get() : running.process.input.get();
    if (descriptor < 0) return running.waiting_input.clear();
    const ssize_t count = running.waiting_input.empty() ? 0
                                                        : ::write(descriptor, running.waiting_input.data(),
                                                                  running.waiting_input.size());
    if (count < 0 && errno != EAGAIN && errno != EINTR) running.waiting_input.clear();
    if (count > 0) running.waiting_input.erase(0, static_cast<std::size_t>(count));
    if (running.close_input && running.waiting_input.empty()) running.process.input.reset();
}

void Agent::reap(Instant now) {
    signalfd_siginfo told;
    while (::read(child_signal_, &told, sizeof(told)) == sizeof(told)) {
    }
    int raw = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &raw, WNOHANG)) > 0;) {
        for (auto& [id, running] : execs_)
            if (running.process.pid == pid) running.status = shell_status(raw);
        const auto unit = std::find_if(units_.begin(), units_.end(),
                                       [pid](const auto& entry) { return entry.second.process.pid == pid; });
        if (unit != units_.end()) unit_ended(std::string(unit->first), raw, now);
    }
}

void Agent::unit_ended(const std::string& unit, int raw, Instant now) {
    RunningUnit& running = units_.at(unit);
    // What the process told before it ended comes before the word that it ended.
    while (running.process.events.valid()) {
        pollfd left{running.process.events.get(), POLLIN, 0};
        if (::poll(&left, 1, 0) != 1) break;
        read_events(unit, running, now);
    }
    pollfd left{running.process.output.get(), POLLIN, 0};
    while (running.process.output.valid() && ::poll(&left, 1, 0) == 1) {
        read_log(unit, running);
        left.fd = running.process.output.get();
    }
    ::kill(-running.process.pid, SIGKILL);  // what it started and left
    units_.erase(unit);
    const bool exited = WIFEXITED(raw);
    const int number = exited ? WEXITSTATUS(raw) : WTERMSIG(raw);
    report("unit_exited", fmt::format("{} ended: {} {}", unit, exited ? "exit status" : "signal", number),
           {{"unit", unit}, {exited ? "status" : "signal", static_cast<std::int64_t>(number)}});
    UnitExited event{unit, {}, {}};
    (exited ? event.status : event.signal) = number;
    supervisor_.handle(event, now);
}

// A command is over when its process has ended and its streams are read to the end, or nothing more comes of
// them: what it left running may keep them open for ever.
void Agent::finish_execs() {
    for (auto at = execs_.begin(); at != execs_.end();) {
        RunningExec& running = at->second;
        if (running.status) {
            pollfd streams[2] = {{running.process.output.get(), POLLIN, 0},
                                 {running.process.error.get(), POLLIN, 0}};
            while (!channel_.congested() && ::poll(streams, 2, 0) > 0) {
                read_exec(at->first, running);
                streams[0].fd = running.process.output.get();
                streams[1].fd = running.process.error.get();
            }
            if (!channel_.congested()) {
                channel_.send(ExecExit{at->first, *running.status});
                at = execs_.erase(at);
                continue;
            }
        }
        ++at;
    }
}

void Agent::report(const std::string& name, const std::string& detail,
                   std::map<std::string, AttributeValue> attributes) {
    channel_.send(EventLine{"agent", to_json_line(Event{"agent", name, detail, std::move(attributes)})});
}

}  // namespace understudy::vmctl
