// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/storage_database/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "base/io/free_port.hpp"

namespace understudy::test {
namespace {

constexpr int events_descriptor = 9;

}  // namespace

std::string state_of(const Answer& answer) {
    const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
    return state == nullptr ? "" : state;
}

Answer run(const Client& client, const std::string& sql) {
    return Answer(PQexec(client.get(), sql.c_str()));
}

Answer run(const Client& client, const char* sql, std::vector<const char*> values) {
    return Answer(PQexecParams(client.get(), sql, static_cast<int>(values.size()), nullptr, values.data(),
                               nullptr, nullptr, 0));
}

std::string tag(const Answer& answer) {
    const char* status = PQcmdStatus(answer.get());
    return status == nullptr ? "" : status;
}

std::string value(const Client& client, const std::string& sql) {
    const Answer answer = run(client, sql);
    if (PQntuples(answer.get()) < 1) return PQerrorMessage(client.get());
    return PQgetvalue(answer.get(), 0, 0);
}

void Database::SetUp() {
    std::ofstream(directory_ + "/password") << "secret\n";
    port_ = io::free_port();
    ASSERT_NE(port_, 0);
    std::ofstream(directory_ + "/config.yaml") << fmt::format(
        "listen: 127.0.0.1:{}\nfile: {}/db.sqlite\nusers: {{a: {{password_file: "
        "{}/password}}}}\nmax_connections: 30\n"
        "lock_timeout: 20s\nadmin_socket: {}/admin\npower_loss: true\nslow_statement_ms: 100\n",
        port_, directory_, directory_, directory_);
    start();
}

void Database::TearDown() {
    if (pid_ > 0) {
        EXPECT_EQ(stop(SIGTERM), 0);
    }
}

pid_t Database::spawn() {
    const std::string executable = program("understudy-db").string();
    std::string config = directory_ + "/config.yaml", option = "--config", name = executable;
    char* arguments[] = {name.data(), option.data(), config.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, events_descriptor, (directory_ + "/events").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    pid_t pid = 0;
    ::setenv("UNDERSTUDY_EVENTS_FD", std::to_string(events_descriptor).c_str(), 1);
    EXPECT_EQ(::posix_spawn(&pid, executable.c_str(), &actions, nullptr, arguments, environ), 0);
    ::unsetenv("UNDERSTUDY_EVENTS_FD");
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

void Database::start() {
    pid_ = spawn();
    EXPECT_TRUE(comes_true("it serves", [this] { return PQping(where("secret").c_str()) == PQPING_OK; }));
}

int Database::wait_for_end() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
}

int Database::stop(int signal) {
    ::kill(pid_, signal);
    return wait_for_end();
}

std::string Database::where(const char* password) const {
    return fmt::format("host=127.0.0.1 port={} user=a password={} dbname=d connect_timeout=10", port_,
                       password);
}

Client Database::connect(const char* password) const {
    return Client(PQconnectdb(where(password).c_str()));
}

Outcome Database::program_with(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), program("understudy-db").string());
    return test::run(arguments);
}

Outcome Database::admin(std::vector<std::string> words) const {
    std::vector<std::string> arguments{"admin", "--socket", directory_ + "/admin"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return program_with(std::move(arguments));
}

json::object Database::state() const {
    const Outcome outcome = admin({"state"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out).as_object();
}

std::vector<json::object> Database::events(const std::string& name) const {
    std::vector<json::object> found;
    std::ifstream file(directory_ + "/events");
    for (std::string line; std::getline(file, line);) {
        auto event = json::parse(line).as_object();
        if (event.at("event").as_string() == name) found.push_back(event.at("attributes").as_object());
    }
    return found;
}

std::string Database::integrity() {
    EXPECT_EQ(stop(SIGTERM), 0);
    sqlite3* file = nullptr;
    sqlite3_open((directory_ + "/db.sqlite").c_str(), &file);
    std::string verdict;
    sqlite3_exec(
        file, "PRAGMA integrity_check",
        [](void* into, int, char** values, char**) {
            *static_cast<std::string*>(into) += values[0];
            return 0;
        },
        &verdict, nullptr);
    sqlite3_close(file);
    start();
    return verdict;
}

}  // namespace understudy::test
