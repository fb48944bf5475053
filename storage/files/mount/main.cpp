// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/command_line/command_line.hpp"
#include "base/io/clock.hpp"
#include "base/io/log.hpp"
#include "storage/files/io/share_key.hpp"
#include "storage/files/mount/filesystem.hpp"
#include "storage/files/mount/fuse_session.hpp"
#include "storage/files/mount/mountpoint.hpp"

namespace asio = boost::asio;
using namespace understudy;
using namespace understudy::files;

namespace {

// How long what was written and not yet answered is waited for when the mount is asked to end.
constexpr Duration end_limit = 5s;
constexpr int kept_memory_bytes = 32 << 20;

struct Program {
    Program(LinkOptions options, std::string mountpoint, std::size_t write_behind_bytes)
        : link(context.get_executor(), options, events),
          filesystem(context.get_executor(), link, write_behind_bytes),
          where(std::move(mountpoint)),
          source(to_string(options.server) + ":/" + options.share) {}
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    bool mount();
    bool fail(const Error& error);
    asio::awaitable<void> serve();
    asio::awaitable<void> stop();
    asio::awaitable<void> finish_writing();

    asio::io_context context{1};
    io::EventWriter events{"mount"};
    Link link;
    Filesystem filesystem;
    std::string where, source;
    std::optional<Mountpoint> mounted;
    std::unique_ptr<FuseSession> session;
    int status = 0;
    bool stopping = false;
};

bool Program::mount() {
    Result<Mountpoint> made = Mountpoint::mount(where, source);
    if (made.has_error()) return fail(made.error());
    mounted = std::move(*made);
    Result<std::unique_ptr<FuseSession>> served = FuseSession::make(mounted->descriptor(), filesystem);
    if (served.has_error()) return fail(served.error());
    session = std::move(*served);
    filesystem.set_kernel_cache(session.get());
    asio::co_spawn(context, serve(), asio::detached);
    return true;
}

bool Program::fail(const Error& error) {
    status = io::fail(error);
    asio::co_spawn(context, stop(), asio::detached);
    return false;
}

asio::awaitable<void> Program::serve() {
    co_await session->take_requests(context.get_executor());
    co_await stop();
}

asio::awaitable<void> Program::stop() {
    if (std::exchange(stopping, true)) co_return;
    if (mounted) mounted->unmount();
    co_await finish_writing();
    co_await link.close(1s);
    context.stop();
}

asio::awaitable<void> Program::finish_writing() {
    auto written = std::make_shared<bool>(false);
    asio::co_spawn(context, filesystem.all_written(), [written](std::exception_ptr) { *written = true; });
    const Instant end = io::monotonic_now() + end_limit;
    while (!*written && link.is_ready() && io::monotonic_now() < end) {
        asio::steady_timer pause(context, std::chrono::milliseconds(2));
        co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

}  // namespace

int main(int argc, char** argv) {
    command_line::CommandLine app(
        "understudy-mount",
        "Mounts an export of a file service (understudy-files) with FUSE, in the foreground.");
    std::size_t write_behind_bytes = 8 << 20;
    std::string server, share, client, where, on_loss, key_file;
    app.option("--server", server, "the file service, ADDRESS:PORT").required();
    app.option("--export", share, "the export's name").required();
    app.option("--client", client, "this host's name, the same over its restarts").required();
    app.option("--on-loss", on_loss,
               "what callers meet while the service is away: hang, or error:DURATION; without it, an error "
               "after one client lease");
    app.option("--write-behind", write_behind_bytes,
               "bytes that may be written without waiting for the service, as 8388608 or 8MiB; 0: none")
        .as_size();
    app.option("--key-file", key_file, "a file of mode 0600 with the share's key, where it asks for one");
    app.option("MOUNTPOINT", where, "made if it is missing").required();
    if (const auto status = app.parse(argc, argv)) return *status;
    Result<Endpoint> endpoint = parse_endpoint(server);
    if (endpoint.has_error()) {
        fmt::print(stderr, "understudy: --server: {}\n", endpoint.error().message());
        return exit_status(ErrorKind::bad_input);
    }
    if (client.empty() || client.size() > 63 || client.find('#') != std::string::npos) {
        fmt::print(stderr, "understudy: --client: must have 1 to 63 characters and no '#'\n");
        return exit_status(ErrorKind::bad_input);
    }
    OnLoss loss;
    if (!on_loss.empty()) {
        Result<OnLoss> parsed = parse_on_loss(on_loss);
        if (parsed.has_error()) {
            fmt::print(stderr, "understudy: --on-loss: {}\n", parsed.error().message());
            return exit_status(ErrorKind::bad_input);
        }
        loss = *parsed;
    }
    std::string key;
    if (!key_file.empty()) {
        Result<std::string> read = read_share_key(key_file);
        if (read.has_error()) {
            fmt::print(stderr, "understudy: --key-file: {}\n", read.error().message());
            return exit_status(ErrorKind::bad_input);
        }
        key = std::move(*read);
    }
    io::start_log("understudy-mount");
    ::signal(SIGPIPE, SIG_IGN);
    // Messages of up to 1 MiB come and go: their memory is kept rather than fetched from the kernel each
    // time.
    ::mallopt(M_MMAP_THRESHOLD, kept_memory_bytes);
    ::mallopt(M_TRIM_THRESHOLD, kept_memory_bytes);
    Program program({*endpoint, share, client, loss, key}, where, write_behind_bytes);
    asio::signal_set signals(program.context, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code error, int) {
        if (!error) asio::co_spawn(program.context, program.stop(), asio::detached);
    });
    asio::co_spawn(program.context, program.link.run([&] { return program.mount(); }), asio::detached);
    program.context.run();
    return program.status;
}
