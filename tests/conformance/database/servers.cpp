// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/database/servers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/io/free_port.hpp"
#include "sim/postgresql/installation.hpp"
#include "sim/postgresql/server_user.hpp"

namespace understudy::test {
namespace {

constexpr int start_limit_seconds = 30;

}  // namespace

std::map<std::string, std::string> DatabaseServer::environment() const {
    return {{"PGHOST", "127.0.0.1"},    {"PGPORT", std::to_string(port_)}, {"PGUSER", "tester"},
            {"PGPASSWORD", "secret"},   {"PGDATABASE", "trial"},           {"PGTZ", "UTC"},
            {"PGCONNECT_TIMEOUT", "10"}};
}

Client DatabaseServer::connect() const {
    return Client(PQconnectdb(fmt::format("host=127.0.0.1 port={} user=tester password=secret dbname=trial "
                                          "connect_timeout=10",
                                          port_)
                                  .c_str()));
}

Answer DatabaseServer::run(const Client& client, const std::string& sql) const {
    return Answer(PQexec(client.get(), sql.c_str()));
}

std::string DatabaseServer::value(const Client& client, const std::string& sql) const {
    const Answer answer = run(client, sql);
    if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK || PQntuples(answer.get()) == 0)
        return std::string("no value: ") + PQresultErrorMessage(answer.get());
    return PQgetvalue(answer.get(), 0, 0);
}

void DatabaseServer::await() {
    for (int i = 0; i < start_limit_seconds * 50; ++i) {
        if (PQstatus(connect().get()) == CONNECTION_OK) return;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = 0;
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::ifstream log(folder_.path() / "log");
    throw std::runtime_error(fmt::format("{} did not serve within {} s: {}", name(), start_limit_seconds,
                                         std::string(std::istreambuf_iterator<char>(log), {})));
}

pid_t DatabaseServer::spawn(const std::vector<std::string>& command, const std::string& log) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int failure = ::posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (failure != 0) throw std::runtime_error(command[0] + ": cannot be started");
    return pid;
}

void DatabaseServer::stop(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
}

OurServer::OurServer(const std::string& more_settings) {
    port_ = io::free_port();
    configuration_ = (folder_.path() / "config.yaml").string();
    std::ofstream(folder_.path() / "password") << "secret\n";
    std::ofstream(configuration_) << fmt::format(
        "listen: 127.0.0.1:{}\nfile: {}/db.sqlite\nusers: {{tester: {{password_file: {}/password}}}}\n"
        "max_connections: 250\nlock_timeout: 60s\n{}",
        port_, folder_.path().string(), folder_.path().string(), more_settings);
    start();
}
OurServer::~OurServer() {
    stop(SIGTERM);
}
void OurServer::start() {
    pid_ = spawn({program("understudy-db").string(), "--config", configuration_},
                 (folder_.path() / "log").string());
    await();
}
void OurServer::kill() {
    stop(SIGKILL);
}

void OurServer::end() {
    stop(SIGTERM);
}

bool PostgresServer::installed() {
    return postgresql::newest_installation().has_value();
}

PostgresServer::PostgresServer() {
    port_ = io::free_port();
    const auto installation = postgresql::newest_installation();
    if (!installation) throw std::runtime_error("no PostgreSQL server is installed");
    const auto user = postgresql::server_user();
    if (::geteuid() == 0 && ::chown(folder_.path().c_str(), user.user, user.group) != 0)
        throw std::runtime_error("chown of the data folder failed");
    const std::string data = (folder_.path() / "data").string();
    const auto made = test::run(
        postgresql::as_server_user(user, {(installation->programs / "initdb").string(), "-D", data, "-U",
                                          "tester", "-A", "trust", "--locale=C", "-E", "UTF8", "--no-sync"}));
    if (made.status != 0) throw std::runtime_error("initdb: " + made.err);
    pid_ = spawn(postgresql::as_server_user(
                     user, {(installation->programs / "postgres").string(), "-D", data, "-c",
                            "listen_addresses=127.0.0.1", "-c", fmt::format("port={}", port_), "-c",
                            "unix_socket_directories=" + folder_.path().string(), "-c", "max_connections=250",
                            "-c", "shared_buffers=16MB", "-c", "timezone=UTC"}),
                 (folder_.path() / "log").string());
    // Its first database is postgres; the tests' is made there.
    for (int i = 0; i < start_limit_seconds * 50; ++i) {
        const Client client(PQconnectdb(
            fmt::format("host=127.0.0.1 port={} user=tester dbname=postgres connect_timeout=10", port_)
                .c_str()));
        if (PQstatus(client.get()) == CONNECTION_OK) {
            run(client, "CREATE DATABASE trial");
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    await();
}
PostgresServer::~PostgresServer() {
    stop(SIGINT);
}

std::string state_of(const Answer& answer) {
    const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
    return state == nullptr ? "" : state;
}

std::string outcome_of(const Answer& answer) {
    const std::string state = state_of(answer);
    return state.empty() ? PQcmdStatus(answer.get()) : state;
}

std::unique_ptr<DatabaseServer> server_of(const std::string& engine) {
    if (engine == "postgresql") return std::make_unique<PostgresServer>();
    return std::make_unique<OurServer>();
}

std::string canceled(const Client& client, const std::string& sql) {
    EXPECT_EQ(PQsendQuery(client.get(), sql.c_str()), 1);
    PGcancel* cancel = PQgetCancel(client.get());
    std::string state;
    // A request that comes before the statement has begun is not for it.
    for (int i = 0; i < 500 && state.empty(); ++i) {
        char reason[256];
        EXPECT_EQ(PQcancel(cancel, reason, sizeof reason), 1) << reason;
        PQconsumeInput(client.get());
        if (PQisBusy(client.get()) == 0) state = state_of(Answer(PQgetResult(client.get())));
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    PQfreeCancel(cancel);
    while (const Answer rest{PQgetResult(client.get())}) {
    }
    return state;
}

}  // namespace understudy::test
