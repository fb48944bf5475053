// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/sim_node/harness.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/eventually.hpp"
#include "tests/support/paths.hpp"

namespace understudy::node {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> postgres_programs() {
    std::error_code ignored;
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored))
        if (fs::exists(version.path() / "bin/initdb")) return (version.path() / "bin").string();
    return std::nullopt;
}

// PostgreSQL refuses to run as root.
std::vector<std::string> as_database_user(std::vector<std::string> arguments) {
    if (::geteuid() != 0) return arguments;
    std::vector<std::string> all{"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                                 "--pdeathsig=KILL"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

bool port_is_open(std::uint16_t port) {
    const io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Process::Process(std::vector<std::string> arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    pipe_.reset(ends[0]);
    const io::UniqueFd write_end(ends[1]);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<std::string> variables{"UNDERSTUDY_EVENTS_FD=3", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"};
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write_end.get() == 3)
            ::fcntl(3, F_SETFD, 0);
        else
            ::dup2(write_end.get(), 3);
        ::execve(argv[0], argv.data(), environment.data());
        ::_exit(127);
    }
    reader_ = std::thread([this] { read_events(); });
}

Process::~Process() {
    kill();
    reader_.join();
}

void Process::signal(int number) {
    if (!exit_status()) ::kill(pid_, number);
}

std::optional<int> Process::exit_status() {
    int raw = 0;
    if (!status_ && ::waitpid(pid_, &raw, WNOHANG) == pid_)
        status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return status_;
}

std::optional<int> Process::wait_for_exit(std::chrono::milliseconds limit) {
    test::eventually([&] { return exit_status().has_value(); }, limit);
    return exit_status();
}

void Process::kill() {
    signal(SIGKILL);
    wait_for_exit();
}

std::vector<Event> Process::events(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::vector<Event> found;
    for (const Event& event : events_)
        if (event.name == name) found.push_back(event);
    return found;
}

void Process::read_events() {
    std::string text;
    char chunk[4096];
    for (ssize_t count = 0; (count = ::read(pipe_.get(), chunk, sizeof chunk)) > 0;) {
        text.append(chunk, static_cast<std::size_t>(count));
        for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
            auto event = event_from_json_line(text.substr(0, end));
            const std::lock_guard lock(mutex_);
            if (event.has_value()) events_.push_back(std::move(*event));
        }
    }
}

void NodeTest::SetUp() {
    const auto programs = postgres_programs();
    if (!programs) GTEST_SKIP() << "PostgreSQL is not installed: apt-get install postgresql";
    ::chmod(directory_.c_str(), 0777);
    std::ofstream(directory_ + "/password") << "secret\n";
    const std::string data = directory_ + "/data";
    Process initdb(as_database_user({*programs + "/initdb", "-D", data, "-U", "postgres", "--no-sync", "-A",
                                     "scram-sha-256", "--pwfile=" + directory_ + "/password"}));
    ASSERT_EQ(initdb.wait_for_exit(), 0);
    database_port_ = free_port();
    database_ = std::make_unique<Process>(as_database_user(
        {*programs + "/postgres", "-D", data, "-p", std::to_string(database_port_), "-c",
         "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"}));
    const DatabaseAddress server{"127.0.0.1", database_port_, "postgres", "postgres", "secret", 2s};
    ASSERT_TRUE(test::eventually([&] { return Connection::open(server).has_value(); }));
    auto connection = Connection::open(server);
    ASSERT_TRUE(connection.has_value());
    for (const char* name : {"party_a", "party_b"})
        ASSERT_TRUE(connection->query(fmt::format("CREATE DATABASE {}", name)).has_value());
}

void NodeTest::TearDown() {
    map_.reset();
    kill_database();
}

void NodeTest::kill_database() {
    if (!database_) return;
    for (const pid_t backend : database_backends()) ::kill(backend, SIGCONT);
    database_->signal(SIGQUIT);  // at once, children too
    database_->wait_for_exit();
}

std::vector<pid_t> NodeTest::database_backends() const {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", database_->pid()));
    std::vector<pid_t> all;
    for (pid_t child = 0; children >> child;) all.push_back(child);
    return all;
}

void NodeTest::start_network_map() {
    map_port_ = free_port();
    std::ofstream(directory_ + "/map.yaml")
        << fmt::format("listen: 127.0.0.1:{}\npublic_networks: [127.0.0.0/8]\n", map_port_);
    map_ = std::make_unique<Process>(std::vector<std::string>{test::program("understudy-node"), "network-map",
                                                              "--config", directory_ + "/map.yaml"});
    ASSERT_TRUE(map_->wait_for("ready"));
}

std::unique_ptr<Process> NodeTest::node(const NodeSetting& setting) {
    const Ports& ports = ports_[setting.party];
    const std::string share = directory_ + "/share-" + setting.share;
    std::error_code missing_parent;  // a share that isn't mounted
    fs::create_directory(share, missing_parent);
    const std::string config = fmt::format("{}/{}-{}.yaml", directory_, setting.party, setting.machine);
    std::ofstream(config) << fmt::format(
        "legal_name: \"O=Party {}\"\nmachine_name: {}\nbase_directory: /opt/node\nshare: {}\n"
        "database: {{address: 127.0.0.1, port: {}, name: party_{}, user: postgres, password_file: "
        "{}/password}}\n"
        "p2p: {{address: \"127.0.0.1:{}\", listen: \"127.0.0.1:{}\"}}\nrpc: {{listen: \"127.0.0.1:{}\"}}\n"
        "http: {{listen: \"127.0.0.1:{}\"}}\nnetwork_map: \"127.0.0.1:{}\"\n"
        "mutual_exclusion: {{enabled: {}, update_interval: {}, wait_interval: {}}}\nshare_timeout: 10s\n",
        static_cast<char>(::toupper(setting.party[0])), setting.machine, share, database_port_, setting.party,
        directory_, ports.p2p, ports.p2p, ports.rpc, ports.http, map_port_, setting.exclusive, setting.update,
        setting.wait);
    std::vector<std::string> arguments{test::program("understudy-node"), "run", "--config", config};
    if (!setting.defect.empty()) {
        arguments[0] = test::test_program("understudy-node-defective");
        arguments.insert(arguments.end(), {"--defect", setting.defect});
    }
    return std::make_unique<Process>(arguments);
}

std::unique_ptr<Process> NodeTest::client(const std::string& rate) {
    const std::string config = directory_ + "/client.yaml";
    std::ofstream(config) << fmt::format(
        "name: app\nrpc: \"localhost:{}\"\nfrom: O=Party A\nto: O=Party B\nrate: {}\nrecord: {}/record\n"
        "retry_interval: 100ms\ndrain_timeout: 60s\ntimeout: 10s\n",
        ports_["a"].rpc, rate, directory_);
    return std::make_unique<Process>(
        std::vector<std::string>{test::program("understudy-node"), "client", "--config", config});
}

io::HttpResponse NodeTest::request(std::uint16_t port, io::HttpRequest request,
                                   std::chrono::milliseconds limit) {
    boost::asio::io_context context;
    io::HttpResponse answer{0, "", ""};
    boost::asio::co_spawn(context, io::http_request("127.0.0.1", port, std::move(request), limit),
                          [&](std::exception_ptr, Result<io::HttpResponse> response) {
                              if (response.has_value())
                                  answer = *response;
                              else
                                  answer.body = response.error().message();
                          });
    context.run();
    return answer;
}

int NodeTest::pay(const std::string& id, std::int64_t amount, const std::string& to,
                  std::chrono::milliseconds limit) {
    return request(ports_["a"].rpc, {"POST", "/payments", to_request({id, to, amount})}, limit).status;
}

Audit NodeTest::audit(const std::string& party) {
    const std::string config = directory_ + "/audit.yaml";
    std::ofstream(config) << fmt::format(
        "legal_name: O=Party {}\ndatabase: {{address: 127.0.0.1, port: {}, name: party_{}, user: postgres, "
        "password_file: "
        "{}/password}}\n",
        party, database_port_, party, directory_);
    const std::string command = test::program("understudy-node").string() + " audit --config " + config;
    FILE* const output = ::popen(command.c_str(), "r");
    std::string text;
    char chunk[4096];
    for (std::size_t count = 0; (count = ::fread(chunk, 1, sizeof chunk, output)) > 0;)
        text.append(chunk, count);
    EXPECT_EQ(::pclose(output), 0);
    auto read = audit_from_json(text);
    EXPECT_TRUE(read.has_value()) << text;
    return read.has_value() ? *read : Audit{};
}

std::string NodeTest::record_text() const {
    std::ifstream file(directory_ + "/record");
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace understudy::node
