// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/host_command.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "sim/lab/unit_configs.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;

constexpr Duration command_limit = 10s;
constexpr std::size_t max_output_bytes = 4 << 20;

struct Running {
    explicit Running(const asio::any_io_executor& executor) : ended(executor, command_limit) {}
    HostCommandOutcome outcome;
    std::optional<Result<int>> exit;
    asio::steady_timer ended;  // cancelled when it has
};

}  // namespace

asio::awaitable<Result<HostCommandOutcome>> run_in_host(std::shared_ptr<Host> host,
                                                        std::vector<std::string> argv) {
    const std::string name = host->plan().name;
    if (host->link() == nullptr || !host->link()->is_open())
        co_return Error(ErrorKind::failed, name, "is " + host->state());
    auto executor = co_await asio::this_coro::executor;
    const auto running = std::make_shared<Running>(executor);
    vmctl::ExecCallbacks callbacks;
    callbacks.on_output = [running](vmctl::OutputStream stream, const std::string& bytes) {
        std::string& text =
            stream == vmctl::OutputStream::standard_error ? running->outcome.err : running->outcome.out;
        if (text.size() + bytes.size() <= max_output_bytes) text += bytes;
    };
    callbacks.on_exit = [running](Result<int> status) {
        running->exit = std::move(status);
        running->ended.cancel();
    };
    vmctl::ExecRequest request;
    request.argv = argv;
    auto id = host->link()->exec(request, std::move(callbacks));
    if (id.has_error()) co_return id.error();
    static_cast<void>(host->link()->exec_close_input(*id));
    while (!running->exit) {
        const auto [error] = co_await running->ended.async_wait(asio::as_tuple(asio::use_awaitable));
        if (error || running->exit) continue;
        if (host->link() != nullptr) static_cast<void>(host->link()->exec_signal(*id, SIGKILL));
        co_return Error(ErrorKind::timeout, fmt::format("{} on {}", argv.front(), name),
                        "did not end within " + format_duration(command_limit));
    }
    if (running->exit->has_error()) co_return running->exit->error();
    running->outcome.status = **running->exit;
    co_return std::move(running->outcome);
}

namespace {

std::vector<std::string> administration(const topology::Topology& topology, const std::string& service,
                                        const std::vector<std::string>& words) {
    const std::string programs = inside::programs;
    const auto database = topology.databases.find(service);
    // The one fault that it takes, applied or healed.
    if (database != topology.databases.end() &&
        database->second.engine == topology::DatabaseEngine::postgresql)
        return {programs + "/understudy-postgresql", "--config", config_path("database"), "--read-only",
                words.front() == "heal" ? "off" : "on"};
    const bool files = database == topology.databases.end();
    std::vector<std::string> argv{programs + (files ? "/understudy-files" : "/understudy-db"), "admin",
                                  "--socket", files ? inside::files_socket : inside::database_socket};
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
}

}  // namespace

asio::awaitable<Result<HostCommandOutcome>> ask_service(const topology::Topology& topology,
                                                        std::shared_ptr<Host> host,
                                                        std::vector<std::string> words) {
    auto argv = administration(topology, host->plan().name, words);
    auto running = run_in_host(std::move(host), std::move(argv));
    co_return co_await std::move(running);
}

json::object state_of(const Result<HostCommandOutcome>& outcome) {
    boost::system::error_code failure;
    json::value state;
    if (outcome.has_value() && outcome->status == 0) state = json::parse(outcome->out, failure);
    if (state.is_object()) return std::move(state.get_object());
    return {{"error", outcome.has_error() ? outcome.error().message() : outcome->err}};
}

}  // namespace understudy::lab
