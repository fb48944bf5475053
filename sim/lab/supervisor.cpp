// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/supervisor.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"
#include "base/io/log.hpp"
#include "sim/lab/commands.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/lab/control_server.hpp"
#include "sim/lab/machine_load.hpp"
#include "sim/lab/reaper.hpp"
#include "sim/lab/region.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;
using io::as_result;
constexpr auto flush_period = std::chrono::milliseconds(100);
constexpr auto load_period = std::chrono::seconds(1);

void tell_starter(int descriptor, const json::object& answer) {
    const std::string line = json::serialize(answer) + "\n";
    if (::write(descriptor, line.data(), line.size()) < 0)
        spdlog::warn("whoever started this region is gone");
    ::close(descriptor);
}

asio::awaitable<void> watch_the_machine(EventHub& hub) {
    MachineLoad load;
    asio::steady_timer tick(co_await asio::this_coro::executor);
    while (true) {
        if (auto busy = load.look(io::monotonic_now())) hub.record("supervisor", std::move(*busy));
        tick.expires_after(load_period);
        auto [cancelled] = co_await tick.async_wait(as_result);
        if (cancelled) co_return;
    }
}

asio::awaitable<void> housekeeping(EventHub& hub, Reaper& reaper) {
    asio::steady_timer tick(co_await asio::this_coro::executor);
    while (true) {
        tick.expires_after(flush_period);
        auto [cancelled] = co_await tick.async_wait(as_result);
        if (cancelled) co_return;
        hub.flush();
        reaper.reap(io::monotonic_now());
    }
}

asio::awaitable<void> start_region(Region& region, EventHub& hub, int startup_fd, bool& failed,
                                   asio::io_context& loop) {
    auto started = co_await region.start();
    if (started.has_error()) {
        spdlog::error("{}", started.error().message());
        hub.record("supervisor", {"lab", "start_failed", started.error().message(), {}});
        tell_starter(startup_fd, to_json(started.error()));
        failed = true;
        loop.stop();
        co_return;
    }
    tell_starter(startup_fd, {{"ok", true}});
}

}  // namespace

int run_supervisor(SupervisorOptions options) {
    io::start_log("supervisor");
    ::signal(SIGPIPE, SIG_IGN);
    asio::io_context loop;
    const auto refuse = [&](const Error& error) {
        spdlog::error("{}", error.message());
        tell_starter(options.startup_fd, to_json(error));
        return exit_status(error.kind);
    };
    auto store = EventStore::open(options.directory.run_database().string());
    if (store.has_error()) return refuse(store.error());
    EventHub hub(loop.get_executor(), std::move(*store), options.started_at);
    auto region = Region::create(loop.get_executor(), options, hub);
    if (region.has_error()) return refuse(region.error());
    auto acceptor = listen_control(loop.get_executor(), options.directory.control_socket().string());
    if (acceptor.has_error()) return refuse(acceptor.error());

    Commands commands(**region, hub, options, [&loop] { loop.stop(); });
    asio::co_spawn(loop, serve_control(*acceptor, commands.handler()), asio::detached);
    Reaper reaper;
    asio::co_spawn(loop, housekeeping(hub, reaper), asio::detached);
    asio::co_spawn(loop, watch_the_machine(hub), asio::detached);
    asio::signal_set stop(loop, SIGTERM, SIGINT);
    stop.async_wait([&loop](const boost::system::error_code& failure, int) {
        if (!failure) loop.stop();
    });
    bool failed = false;
    asio::co_spawn(loop, start_region(**region, hub, options.startup_fd, failed, loop), asio::detached);
    loop.run();
    hub.flush();
    // The kernel ends whatever is still there with this process: that is the sandbox's promise.
    std::_Exit(failed ? 1 : 0);
}

}  // namespace understudy::lab
