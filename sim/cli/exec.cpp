// SPDX-License-Identifier: Apache-2.0
// exec and shell: a command inside a host, its streams carried over the agent's channel, which no fault can
// cut.
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "base/io/clock.hpp"
#include "sim/cli/command.hpp"
#include "sim/lab/control_client.hpp"

namespace understudy::cli {
namespace {

// The terminal in raw mode for as long as this lives.
class RawTerminal {
  public:
    explicit RawTerminal(bool wanted) : active_(wanted && ::tcgetattr(STDIN_FILENO, &saved_) == 0) {
        if (!active_) return;
        termios raw = saved_;
        ::cfmakeraw(&raw);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    ~RawTerminal() {
        if (active_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

  private:
    termios saved_{};
    bool active_;
};

winsize window_size() {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) size = winsize{24, 80, 0, 0};
    return size;
}

void write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

struct ExecOptions {
    std::string region;
    std::string host;
    std::vector<std::string> argv;
    bool tty = false;
};

// Sends what stdin has; false when it ended.
bool forward_input(lab::ControlClient& client) {
    char bytes[16384];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof(bytes));
    if (count > 0) {
        client.tell({{"input", lab::base64_encode({bytes, static_cast<std::size_t>(count)})}});
        return true;
    }
    client.tell({{"close_input", true}});
    return false;
}

// One line of the stream; the exit status when it was the last.
Result<std::optional<int>> handle_line(const json::object& line) {
    if (const auto* failure = line.if_contains("ok"); failure != nullptr) return lab::error_from_json(line);
    if (const auto* status = line.if_contains("exit"); status != nullptr)
        return std::optional(static_cast<int>(status->as_int64()));
    const auto* data = line.if_contains("data");
    if (data == nullptr) return std::optional<int>();
    UNDERSTUDY_TRY(const auto bytes, lab::base64_decode(std::string_view(data->as_string())));
    write_all(line.contains("stderr") ? STDERR_FILENO : STDOUT_FILENO, bytes);
    return std::optional<int>();
}

Result<int> run_exec(const ExecOptions& options) {
    UNDERSTUDY_TRY(const auto region, chosen_region(options.region));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    winsize size = window_size();
    json::array argv;
    for (const std::string& argument : options.argv) argv.emplace_back(argument);
    UNDERSTUDY_TRY(const auto answer, client.request({{"command", "exec"},
                                                      {"host", options.host},
                                                      {"argv", std::move(argv)},
                                                      {"tty", options.tty},
                                                      {"rows", size.ws_row},
                                                      {"columns", size.ws_col}},
                                                     30s));
    const RawTerminal raw(options.tty && ::isatty(STDIN_FILENO) == 1);
    bool input_open = true;
    while (true) {
        pollfd ready[2] = {{client.descriptor(), POLLIN, 0}, {input_open ? STDIN_FILENO : -1, POLLIN, 0}};
        if (!client.has_buffered_line()) ::poll(ready, 2, 500);
        if (options.tty) {
            const winsize now = window_size();
            if (now.ws_row != size.ws_row || now.ws_col != size.ws_col)
                client.tell({{"rows", now.ws_row}, {"columns", now.ws_col}});
            size = now;
        }
        if ((ready[1].revents & (POLLIN | POLLHUP)) != 0) input_open = forward_input(client);
        if (!client.has_buffered_line() && (ready[0].revents & (POLLIN | POLLHUP)) == 0) continue;
        UNDERSTUDY_TRY(const auto line, client.next_line(1s));
        if (!line) continue;
        UNDERSTUDY_TRY(const auto status, handle_line(*line));
        if (status) return *status;
    }
}

}  // namespace

void add_exec(command_line::Command app, Choice& choice) {
    auto exec = std::make_shared<ExecOptions>();
    command_line::Command sub =
        app.subcommand("exec", "Run a command inside a host; its exit status is passed on");
    sub.option("HOST", exec->host, "the host").required();
    sub.option("CMD", exec->argv, "the command, after --").required();
    sub.flag("--tty,-t", exec->tty, "give it a terminal");
    sub.option("--name", exec->region, "the region; needed only when several run");
    sub.positionals_last();
    sub.when_chosen([exec, &choice] {
        // The parser leaves the separator in when a positional came before it.
        if (!exec->argv.empty() && exec->argv.front() == "--") exec->argv.erase(exec->argv.begin());
        choice.run = [exec] { return run_exec(*exec); };
    });

    auto shell = std::make_shared<ExecOptions>();
    sub = app.subcommand("shell", "Open a shell inside a host");
    sub.option("HOST", shell->host, "the host (default: the active one)");
    sub.option("--name", shell->region, "the region; needed only when several run");
    sub.when_chosen([shell, &choice] {
        choice.run = [shell] {
            shell->tty = true;
            shell->argv = {"/bin/sh"};
            if (shell->host.empty()) shell->host = "active";
            return run_exec(*shell);
        };
    });
}

}  // namespace understudy::cli
