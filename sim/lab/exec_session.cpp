// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/exec_session.hpp"

#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "base/io/as_result.hpp"
#include "sim/lab/control_client.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
using io::as_result;

// Output that the agent sent and the connection has not taken yet; the reader's coroutine shares it.
struct Session {
    explicit Session(const asio::any_io_executor& executor)
        : signal(executor, asio::steady_timer::time_point::max()) {}
    std::deque<json::object> lines;
    bool ended = false;  // the last line is in `lines`
    asio::steady_timer signal;

    void push(json::object line) {
        lines.push_back(std::move(line));
        signal.cancel();
    }
};

std::int64_t number_of(const json::object& object, const char* name, std::int64_t otherwise) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : otherwise;
}

vmctl::ExecRequest exec_request(const json::object& request) {
    vmctl::ExecRequest exec;
    if (const auto* argv = request.if_contains("argv"); argv != nullptr && argv->is_array())
        for (const auto& argument : argv->get_array())
            if (argument.is_string()) exec.argv.emplace_back(argument.get_string());
    const auto* tty = request.if_contains("tty");
    exec.tty = tty != nullptr && tty->is_bool() && tty->get_bool();
    exec.rows = static_cast<int>(number_of(request, "rows", 24));
    exec.columns = static_cast<int>(number_of(request, "columns", 80));
    return exec;
}

void forward(vmctl::AgentLink& link, vmctl::ExecId id, const json::object& line) {
    // A refused input is the program's end, which its exit tells.
    if (const auto* input = line.if_contains("input"); input != nullptr && input->is_string()) {
        const auto bytes = base64_decode(std::string_view(input->get_string()));
        if (bytes.has_value()) static_cast<void>(link.exec_input(id, *bytes));
    } else if (line.contains("close_input")) {
        static_cast<void>(link.exec_close_input(id));
    } else if (line.contains("rows")) {
        static_cast<void>(link.exec_resize(id, static_cast<int>(number_of(line, "rows", 24)),
                                           static_cast<int>(number_of(line, "columns", 80))));
    }
}

// Input lines until the connection ends; then the program is told by SIGHUP.
asio::awaitable<void> read_input(std::shared_ptr<Host> host, vmctl::ExecId id,
                                 std::shared_ptr<ControlConnection> connection,
                                 std::shared_ptr<Session> session) {
    while (auto line = co_await connection->read()) {
        if (session->ended || host->link() == nullptr) co_return;
        forward(*host->link(), id, *line);
    }
    if (!session->ended && host->link() != nullptr) static_cast<void>(host->link()->exec_signal(id, SIGHUP));
}

}  // namespace

asio::awaitable<void> run_exec(Region& region, std::shared_ptr<ControlConnection> connection,
                               json::object request) {
    const auto* name = request.if_contains("host");
    auto host =
        region.host(name != nullptr && name->is_string() ? std::string(name->get_string()) : std::string());
    if (host.has_error()) {
        co_await connection->write(to_json(host.error()));
        co_return;
    }
    if ((*host)->link() == nullptr || !(*host)->link()->is_open()) {
        co_await connection->write(
            to_json(Error(ErrorKind::failed, (*host)->plan().name, "is " + (*host)->state())));
        co_return;
    }
    const auto session = std::make_shared<Session>(connection->executor());
    vmctl::ExecCallbacks callbacks;
    callbacks.on_output = [session](vmctl::OutputStream stream, const std::string& bytes) {
        json::object line{{"data", base64_encode(bytes)}};
        if (stream == vmctl::OutputStream::standard_error) line["stderr"] = true;
        session->push(std::move(line));
    };
    callbacks.on_exit = [session](Result<int> status) {
        session->ended = true;
        session->push(status.has_value() ? json::object{{"exit", *status}} : to_json(status.error()));
    };
    auto id = (*host)->link()->exec(exec_request(request), std::move(callbacks));
    if (id.has_error()) {
        co_await connection->write(to_json(id.error()));
        co_return;
    }
    json::object accepted{{"ok", true}};
    if (!co_await connection->write(std::move(accepted))) co_return;
    asio::co_spawn(connection->executor(), read_input(*host, *id, connection, session), asio::detached);
    while (!session->ended || !session->lines.empty()) {
        if (session->lines.empty()) {
            co_await session->signal.async_wait(as_result);
            continue;
        }
        json::object line = std::move(session->lines.front());
        session->lines.pop_front();
        if (!co_await connection->write(std::move(line))) break;
    }
    connection->close();
}

}  // namespace understudy::lab
