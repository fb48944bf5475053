// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "lb/proxy/socket_options.hpp"

namespace understudy::lb::conformance {

std::unique_ptr<Network> Conformance::network_;
std::string Conformance::unavailable_;

void Attempts::attempt_failed(const std::string&, const std::string& host, Endpoint,
                              const std::string& reason) {
    const std::lock_guard lock(mutex_);
    failed_.emplace_back(host, reason);
    told_.notify_all();
}

std::optional<std::string> Attempts::wait(const std::string& host) {
    std::unique_lock lock(mutex_);
    std::optional<std::string> reason;
    told_.wait_for(lock, patience, [&] {
        const auto found = std::find_if(failed_.begin(), failed_.end(),
                                        [&](const auto& failed) { return failed.first == host; });
        if (found != failed_.end()) reason = found->second;
        return reason.has_value();
    });
    return reason;
}

template <typename Work>
auto Conformance::on_its_thread(Work work) {
    std::promise<decltype(work())> answer;
    boost::asio::post(context_, [&] { answer.set_value(work()); });
    return answer.get_future().get();
}

void Conformance::SetUpTestSuite() {
    auto network = Network::make();
    if (network.has_value())
        network_ = std::make_unique<Network>(std::move(*network));
    else if (network.error().kind == ErrorKind::environment)
        unavailable_ = network.error().message();
    else
        FAIL() << network.error().message();
}

void Conformance::TearDownTestSuite() {
    network_.reset();
}

void Conformance::SetUp() {
    if (!unavailable_.empty()) GTEST_SKIP() << unavailable_;
    ASSERT_NE(network_, nullptr);
    network_->as_router([this] {
        thread_ = std::thread([this] {
            const auto work = boost::asio::make_work_guard(context_);
            context_.run();
        });
    });
    path_ = on_its_thread([this] { return GetParam().make(context_.get_executor(), attempts_); });
}

void Conformance::TearDown() {
    if (!thread_.joinable()) return;
    // What is only destroyed may leave its rules to a successor; the next test wants none.
    on_its_thread([this] {
        path_->close();
        path_.reset();
        return true;
    });
    context_.stop();
    thread_.join();
    backends_.clear();
}

Config Conformance::base_config() const {
    Config config;
    config.name = "conformance";
    config.frontend = *parse_address(frontend_address);
    for (std::size_t i = 0; i < backend_count; ++i)
        config.backends.push_back({backend_names[i], *parse_address(backend_addresses[i])});
    Probe probe;
    probe.name = "probe";
    probe.port = backend_port;
    config.probes = {probe};
    Rule rule;
    rule.name = "rule";
    rule.frontend_port = frontend_port;
    rule.backend_port = backend_port;
    rule.probe = "probe";
    config.rules = {rule};
    GetParam().prepare(config, *network_);
    return config;
}

RoutingTable Conformance::to(std::vector<std::size_t> eligible) {
    RoutingTable table;
    table.rules.push_back({std::move(eligible)});
    return table;
}

namespace {

void expect_done(const Result<void>& outcome) {
    EXPECT_TRUE(outcome.has_value()) << (outcome.has_error() ? outcome.error().message() : "");
}

}  // namespace

void Conformance::open(const Config& config, const RoutingTable& table) {
    expect_done(try_to_open(config, table));
}

Result<void> Conformance::try_to_open(const Config& config, const RoutingTable& table) {
    return on_its_thread([&] { return path_->open(std::make_shared<const Config>(config), table); });
}

void Conformance::route(const RoutingTable& table) {
    expect_done(on_its_thread([&] { return path_->route(table); }));
}

Result<void> Conformance::reconfigure(Config config, const RoutingTable& table) {
    return on_its_thread(
        [&] { return path_->reconfigure(std::make_shared<const Config>(std::move(config)), table); });
}

void Conformance::end_established(std::size_t backend) {
    expect_done(on_its_thread([&] { return path_->end_established({0, backend, "the test wants it"}); }));
}

RuleCounters Conformance::counters() {
    const auto traffic = on_its_thread([this] { return path_->traffic(); });
    EXPECT_TRUE(traffic.has_value()) << (traffic.has_error() ? traffic.error().message() : "");
    return traffic.has_value() && !traffic->rules.empty() ? traffic->rules[0] : RuleCounters();
}

RuleCounters Conformance::counters_when(const std::function<bool(const RuleCounters&)>& fits) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (true) {
        RuleCounters now = counters();
        if (fits(now) || std::chrono::steady_clock::now() > end) return now;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

FlowCounters Conformance::inbound_nat_when(const std::function<bool(const FlowCounters&)>& fits) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (true) {
        const auto traffic = on_its_thread([this] { return path_->traffic(); });
        EXPECT_TRUE(traffic.has_value()) << (traffic.has_error() ? traffic.error().message() : "");
        const FlowCounters now = traffic.has_value() ? traffic->inbound_nat.at(0) : FlowCounters();
        if (fits(now) || std::chrono::steady_clock::now() > end) return now;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void Conformance::close() {
    on_its_thread([this] {
        path_->close();
        return true;
    });
}

TestBackend& Conformance::serve(std::size_t place, TestBackend::Handler handler, std::uint16_t port) {
    network_->as_backend(place, [&] {
        backends_.push_back(
            std::make_unique<TestBackend>(backend_addresses[place], port, std::move(handler)));
    });
    return *backends_.back();
}

void Conformance::serve_echo() {
    for (std::size_t i = 0; i < backend_count; ++i) serve(i, echo(backend_names[i]));
}

Peer Conformance::connect(const std::string& source, std::uint16_t port) {
    Peer peer;
    network_->as_client([&] {
        io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in from{};
        from.sin_family = AF_INET;
        ::inet_pton(AF_INET, source.c_str(), &from.sin_addr);
        sockaddr_in target = from;
        target.sin_port = htons(port);
        ::inet_pton(AF_INET, frontend_address, &target.sin_addr);
        ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
        Peer made(std::move(fd));
        if (::connect(made.fd(), reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0)
            peer = std::move(made);
    });
    return peer;
}

int Conformance::connect_error(std::uint16_t port) {
    int error = 0;
    network_->as_client([&] {
        const io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval limit{0, 500'000};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        const sockaddr_in target = to_sockaddr({*parse_address(frontend_address), port});
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0)
            error = errno;
    });
    return error;
}

std::string Conformance::who(Peer& peer) {
    if (!peer.connected() || !peer.send("who\n")) return {};
    std::string name = peer.read_line();
    if (!name.empty()) name.pop_back();
    return name;
}

std::string Conformance::who_answers(const std::string& source, std::uint16_t port) {
    Peer peer = connect(source, port);
    return who(peer);
}

Peer Conformance::connect_to(const std::string& name) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        Peer peer = connect();
        if (who(peer) == name) return peer;
    }
    ADD_FAILURE() << "no connection reached " << name;
    return {};
}

}  // namespace understudy::lb::conformance
