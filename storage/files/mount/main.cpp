// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/io/log.hpp"
#include "storage/files/mount/filesystem.hpp"
#include "storage/files/mount/mountpoint.hpp"

namespace asio = boost::asio;
using namespace understudy;
using namespace understudy::files;

namespace {

struct Program {
    explicit Program(LinkOptions options, std::string mountpoint)
        : link(context.get_executor(), options, events),
          filesystem(context.get_executor(), link),
          where(std::move(mountpoint)),
          source(to_string(options.server) + ":/" + options.share) {}

    ~Program() {
        if (session != nullptr) fuse_session_destroy(session);
        std::free(buffer.mem);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    bool mount();
    asio::awaitable<void> take_requests();
    asio::awaitable<void> stop();

    asio::io_context context{1};
    io::EventWriter events{"mount"};
    Link link;
    Filesystem filesystem;
    std::string where, source;
    std::optional<Mountpoint> mounted;
    fuse_session* session = nullptr;
    fuse_buf buffer = {};  // libfuse allocates into it
    int status = 0;
    bool stopping = false;
};

bool Program::mount() {
    Result<Mountpoint> made = Mountpoint::mount(where, source);
    if (made.has_error()) {
        fmt::print(stderr, "understudy: {}\n", made.error().message());
        status = exit_status(made.error().kind);
        asio::co_spawn(context, stop(), asio::detached);
        return false;
    }
    mounted = std::move(*made);
    std::string name = "understudy-mount";
    std::array<char*, 2> arguments = {name.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments.data());
    session = fuse_session_new(&args, &filesystem_operations(), sizeof(fuse_lowlevel_ops), &filesystem);
    fuse_opt_free_args(&args);
    // libfuse takes a mounted descriptor under this name, and closes it at the end.
    std::string descriptor = fmt::format("/dev/fd/{}", ::fcntl(mounted->descriptor(), F_DUPFD_CLOEXEC, 0));
    if (session == nullptr || fuse_session_mount(session, descriptor.c_str()) != 0) {
        fmt::print(stderr, "understudy: libfuse: refuses to serve {}\n", where);
        status = exit_status(ErrorKind::environment);
        asio::co_spawn(context, stop(), asio::detached);
        return false;
    }
    asio::co_spawn(context, take_requests(), asio::detached);
    return true;
}

asio::awaitable<void> Program::take_requests() {
    asio::posix::stream_descriptor readable(context, ::fcntl(mounted->descriptor(), F_DUPFD_CLOEXEC, 0));
    while (!fuse_session_exited(session)) {
        int count = fuse_session_receive_buf(session, &buffer);
        if (count > 0) {
            fuse_session_process_buf(session, &buffer);
        } else if (count == -EINTR) {
            continue;
        } else if (count == -EAGAIN) {
            auto [error] = co_await readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                                        asio::as_tuple(asio::use_awaitable));
            if (error) break;
        } else {
            break;  // unmounted
        }
    }
    co_await stop();
}

asio::awaitable<void> Program::stop() {
    if (std::exchange(stopping, true)) co_return;
    if (mounted) mounted->unmount();
    co_await link.close(1s);
    context.stop();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Mounts an export of a file service (understudy-files) with FUSE, in the foreground.",
                 "understudy-mount");
    std::string server, share, client, where;
    app.add_option("--server", server, "the file service, ADDRESS:PORT")->required();
    app.add_option("--export", share, "the export's name")->required();
    app.add_option("--client", client, "this host's name, the same over its restarts")->required();
    app.add_option("MOUNTPOINT", where, "made if it is missing")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_status(ErrorKind::bad_input);
    }
    Result<Endpoint> endpoint = parse_endpoint(server);
    if (endpoint.has_error()) {
        fmt::print(stderr, "understudy: --server: {}\n", endpoint.error().message());
        return exit_status(ErrorKind::bad_input);
    }
    if (client.empty() || client.size() > 63 || client.find('#') != std::string::npos) {
        fmt::print(stderr, "understudy: --client: must have 1 to 63 characters and no '#'\n");
        return exit_status(ErrorKind::bad_input);
    }
    io::start_log("understudy-mount");
    ::signal(SIGPIPE, SIG_IGN);
    Program program({*endpoint, share, client}, where);
    asio::signal_set signals(program.context, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code error, int) {
        if (!error) asio::co_spawn(program.context, program.stop(), asio::detached);
    });
    asio::co_spawn(program.context, program.link.run([&] { return program.mount(); }), asio::detached);
    program.context.run();
    return program.status;
}
