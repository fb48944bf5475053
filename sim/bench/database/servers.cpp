// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/database/servers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/io/free_port.hpp"
#include "sim/bench/peers.hpp"
#include "sim/postgresql/installation.hpp"
#include "sim/postgresql/server_user.hpp"

namespace understudy::bench {
namespace {

constexpr auto database_start_limit = std::chrono::seconds(30);
constexpr int connections = 100;  // as many as the bench opens, and some

Result<pid_t> spawn(const std::vector<std::string>& command, const std::string& log) {
    std::vector<char*> arguments;
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return system_error("fork", errno);
    if (child > 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
}

Result<void> await(const DatabaseServer& server, const std::string& log) {
    const auto end = std::chrono::steady_clock::now() + database_start_limit;
    while (std::chrono::steady_clock::now() < end) {
        if (PQping(server.connection.c_str()) == PQPING_OK) return {};
        if (::waitpid(server.process, nullptr, WNOHANG) == server.process) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return Error(ErrorKind::failed, server.name, "does not serve: " + last_line(log));
}

}  // namespace

Result<DatabaseServer> start_ours(const std::string& programs, const std::string& folder) {
    const std::uint16_t port = io::free_port();
    UNDERSTUDY_TRY(const std::string password, write_file(folder + "/password", "secret\n"));
    UNDERSTUDY_TRY(
        const std::string config,
        write_file(folder + "/ours.yaml",
                   fmt::format("listen: 127.0.0.1:{}\nfile: {}/ours.sqlite\nusers: {{bench: {{password_file: "
                               "{}}}}}\nmax_connections: {}\n",
                               port, folder, password, connections)));
    DatabaseServer server{
        "ours", fmt::format("host=127.0.0.1 port={} user=bench password=secret dbname=postgres", port)};
    UNDERSTUDY_TRY(server.process,
                   spawn({programs + "/understudy-db", "--config", config}, folder + "/ours.log"));
    UNDERSTUDY_CHECK(await(server, folder + "/ours.log"));
    return server;
}

Result<DatabaseServer> start_postgresql(const std::string& folder) {
    const auto installation = postgresql::newest_installation();
    if (!installation)
        return Error(ErrorKind::environment, "PostgreSQL", "is not installed")
            .with_remedy("apt-get install postgresql-15");
    const auto user = postgresql::server_user();
    const std::string home = folder + "/postgresql", data = home + "/data", log = folder + "/postgresql.log";
    std::error_code failure;
    std::filesystem::create_directory(home, failure);
    if (::geteuid() == 0 && ::chown(home.c_str(), user.user, user.group) != 0)
        return system_error(home, errno);
    UNDERSTUDY_TRY(
        const pid_t initdb,
        spawn(postgresql::as_server_user(user, {(installation->programs / "initdb").string(), "-D", data,
                                                "-U", "bench", "-A", "trust", "--locale=C", "-E", "UTF8"}),
              log));
    int status = 0;
    ::waitpid(initdb, &status, 0);
    if (status != 0) return Error(ErrorKind::failed, "initdb", last_line(log));
    const std::uint16_t port = io::free_port();
    DatabaseServer server{"postgresql",
                          fmt::format("host=127.0.0.1 port={} user=bench dbname=postgres", port)};
    // Its defaults, which are durable: fsync and synchronous_commit on.
    UNDERSTUDY_TRY(server.process,
                   spawn(postgresql::as_server_user(
                             user, {(installation->programs / "postgres").string(), "-D", data, "-c",
                                    "listen_addresses=127.0.0.1", "-c", fmt::format("port={}", port), "-c",
                                    "unix_socket_directories=" + home, "-c",
                                    fmt::format("max_connections={}", connections)}),
                         log));
    UNDERSTUDY_CHECK(await(server, log));
    return server;
}

void stop(DatabaseServer& server) {
    if (server.process <= 0) return;
    ::kill(server.process, SIGINT);
    ::waitpid(server.process, nullptr, 0);
    server.process = 0;
}

std::int64_t private_kib(pid_t process) {
    std::int64_t sum = 0;
    std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", process));
    std::string word;
    while (rollup >> word)
        if (word == "Private_Clean:" || word == "Private_Dirty:") {
            std::int64_t kib = 0;
            rollup >> kib;
            sum += kib;
        }
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", process));
    for (pid_t child = 0; children >> child;) sum += private_kib(child);
    return sum;
}

}  // namespace understudy::bench
