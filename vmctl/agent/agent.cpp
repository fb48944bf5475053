// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/agent.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "base/event.hpp"
#include "base/io/clock.hpp"
#include "vmctl/agent/host_setup.hpp"

namespace understudy::vmctl {
namespace {

constexpr Duration shutdown_limit = 5s;
constexpr std::size_t longest_event_line = 64 << 10;

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
    std::vector<OnReady> actions;
    const Watch watch = [&](int descriptor, short events, OnReady action) {
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
    commands_.watch(watch, output);
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
    commands_.finish();
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
        commands_.start(*exec);
    else if (auto* ping = std::get_if<Ping>(&message))
        channel_.send(Pong{ping->token, 0, 0});
    else if (std::holds_alternative<Shutdown>(message)) {
        shutdown_limit_ = now + shutdown_limit;
        supervisor_.handle(ShutdownRequested{}, now);
    } else if (auto* input = std::get_if<ExecInput>(&message))
        commands_.take(*input);
    else if (auto* close = std::get_if<ExecCloseInput>(&message))
        commands_.take(*close);
    else if (auto* resize = std::get_if<ExecResize>(&message))
        commands_.take(*resize);
    else if (auto* told = std::get_if<ExecSignal>(&message))
        commands_.take(*told);
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

void Agent::reap(Instant now) {
    signalfd_siginfo told;
    while (::read(child_signal_, &told, sizeof(told)) == sizeof(told)) {
    }
    int raw = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &raw, WNOHANG)) > 0;) {
        commands_.on_exit(pid, raw);
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

void Agent::report(const std::string& name, const std::string& detail,
                   std::map<std::string, AttributeValue> attributes) {
    channel_.send(EventLine{"agent", to_json_line(Event{"agent", name, detail, std::move(attributes)})});
}

}  // namespace understudy::vmctl
