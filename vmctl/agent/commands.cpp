// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/commands.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace understudy::vmctl {
namespace {

constexpr std::size_t most_waiting_input = 1 << 20;

int shell_status(int raw) {
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

}  // namespace

void Commands::start(const Exec& request) {
    if (request.argv.empty() || running_.contains(request.id))
        return channel_.send(ExecFailed{request.id, "no command was given"});
    auto process =
        spawn_exec({request.argv, request.environment, ""}, request.tty, request.rows, request.columns);
    if (process.has_error()) return channel_.send(ExecFailed{request.id, process.error().message()});
    running_[request.id].process = std::move(*process);
}

void Commands::take(const ExecInput& input) {
    Running* running = find(input.id);
    if (running == nullptr || running->waiting_input.size() > most_waiting_input) return;
    running->waiting_input += input.bytes;
    write(*running);
}

void Commands::take(const ExecCloseInput& close) {
    Running* running = find(close.id);
    if (running == nullptr) return;
    running->close_input = true;
    write(*running);
}

void Commands::take(const ExecResize& resize) {
    const Running* running = find(resize.id);
    if (running != nullptr && running->process.tty)
        resize_terminal(running->process.output.get(), resize.rows, resize.columns);
}

void Commands::take(const ExecSignal& signal) {
    if (const Running* running = find(signal.id)) ::kill(-running->process.pid, signal.signal);
}

void Commands::watch(const Watch& watch, short output) {
    for (auto& [id, running] : running_) {
        const bool writes = !running.waiting_input.empty();
        const OnReady action = [this, id = id, &running = running](short ready, Instant) {
            if ((ready & POLLOUT) != 0) write(running);
            if ((ready & (POLLIN | POLLHUP)) != 0) read(id, running);
        };
        watch(running.process.output.get(),
              static_cast<short>(output | (writes && running.process.tty ? POLLOUT : 0)), action);
        watch(running.process.error.get(), output, action);
        if (writes && !running.process.tty) watch(running.process.input.get(), POLLOUT, action);
    }
}

void Commands::on_exit(pid_t pid, int raw_status) {
    for (auto& [id, running] : running_)
        if (running.process.pid == pid) running.status = shell_status(raw_status);
}

// A command is over when its process has ended and its streams are read to the end, or nothing more comes of
// them: what it left running may keep them open for ever.
void Commands::finish() {
    for (auto at = running_.begin(); at != running_.end();) {
        Running& running = at->second;
        if (running.status) {
            pollfd streams[2] = {{running.process.output.get(), POLLIN, 0},
                                 {running.process.error.get(), POLLIN, 0}};
            while (!channel_.congested() && ::poll(streams, 2, 0) > 0) {
                read(at->first, running);
                streams[0].fd = running.process.output.get();
                streams[1].fd = running.process.error.get();
            }
            if (!channel_.congested()) {
                channel_.send(ExecExit{at->first, *running.status});
                at = running_.erase(at);
                continue;
            }
        }
        ++at;
    }
}

Commands::Running* Commands::find(std::uint32_t id) {
    const auto found = running_.find(id);
    return found == running_.end() ? nullptr : &found->second;
}

void Commands::read(std::uint32_t id, Running& running) {
    const auto carry = [this, id](io::UniqueFd& from, OutputStream stream) {
        if (!from.valid()) return;
        std::string bytes;
        if (!read_some(from.get(), bytes)) from.reset();
        if (!bytes.empty()) channel_.send(ExecOutput{id, stream, std::move(bytes)});
    };
    carry(running.process.output, OutputStream::standard_output);
    carry(running.process.error, OutputStream::standard_error);
}

void Commands::write(Running& running) {
    const int descriptor = running.process.tty ? running.process.output.get() : running.process.input.get();
    if (descriptor < 0) return running.waiting_input.clear();
    const ssize_t count = running.waiting_input.empty() ? 0
                                                        : ::write(descriptor, running.waiting_input.data(),
                                                                  running.waiting_input.size());
    if (count < 0 && errno != EAGAIN && errno != EINTR) running.waiting_input.clear();
    if (count > 0) running.waiting_input.erase(0, static_cast<std::size_t>(count));
    if (running.close_input && running.waiting_input.empty()) running.process.input.reset();
}

}  // namespace understudy::vmctl
