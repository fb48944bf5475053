// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>

namespace understudy::lb {
namespace {

std::function<bool(const Event&)> named(std::string name, std::string backend) {
    return [name = std::move(name), backend = std::move(backend)](const Event& event) {
        return event.name == name && (backend.empty() || string_attribute(event, "backend") == backend);
    };
}

}  // namespace

EventLog::EventLog(io::UniqueFd from) : from_(std::move(from)), reader_([this] { read(); }) {}

EventLog::~EventLog() {
    reader_.join();
}

void EventLog::read() {
    std::string pending;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(from_.get(), buffer, sizeof buffer)) > 0;) {
        pending.append(buffer, static_cast<std::size_t>(size));
        for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos;
             pending.erase(0, end + 1)) {
            auto event = event_from_json_line(pending.substr(0, end));
            if (event.has_error()) continue;
            const std::lock_guard lock(mutex_);
            events_.push_back(std::move(*event));
            arrived_.notify_all();
        }
    }
}

std::optional<Event> EventLog::wait(const std::function<bool(const Event&)>& fits) {
    std::unique_lock lock(mutex_);
    std::optional<Event> found;
    arrived_.wait_for(lock, patience, [&] {
        const auto at = std::find_if(events_.begin(), events_.end(), fits);
        if (at != events_.end()) found = *at;
        return found.has_value();
    });
    return found;
}

std::optional<Event> EventLog::wait(const std::string& name, const std::string& backend) {
    return wait(named(name, backend));
}

bool EventLog::wait_for_count(const std::string& name, const std::string& backend, std::size_t count) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, patience, [&] {
        const auto fits = named(name, backend);
        return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), fits)) >= count;
    });
}

std::size_t EventLog::count(const std::string& name, const std::string& backend) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), named(name, backend)));
}

void EventLog::forget() {
    const std::lock_guard lock(mutex_);
    events_.clear();
}

Config test_config() {
    Config config;
    config.name = "lb";
    config.frontend = *parse_address("127.0.0.1");
    config.backends = {{"a", *parse_address("127.0.0.2")}, {"b", *parse_address("127.0.0.3")}};
    const std::uint16_t backend_port = free_port();
    config.probes = {{"p2p", ProbeProtocol::tcp, backend_port, "/", 50ms, 50ms, 2}};
    config.rules = {{"p2p", RuleProtocol::tcp, free_port(), backend_port, "p2p"}};
    return config;
}

InboundNatRule inbound_nat_to_a(const Config& config) {
    InboundNatRule nat;
    nat.name = "ssh-a";
    nat.frontend_port = free_port();
    nat.host = "a";
    nat.backend_port = config.rules[0].backend_port;
    return nat;
}

RunningBalancer::RunningBalancer(Config config) : config_(std::move(config)) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    events_ = std::make_unique<EventLog>(io::UniqueFd(ends[0]));
    events_in_.reset(ends[1]);
    writer_ = std::make_unique<io::EventWriter>("lb", ends[1]);
    auto balancer = LoadBalancer::start(context_.get_executor(), config_, *writer_);
    EXPECT_TRUE(balancer.has_value()) << (balancer.has_error() ? balancer.error().message() : "");
    if (balancer.has_value()) balancer_ = *balancer;
    thread_ = std::thread([this] { context_.run(); });
}

RunningBalancer::~RunningBalancer() {
    if (balancer_ != nullptr) boost::asio::post(context_, [this] { balancer_->stop(); });
    // What stop() has ended runs out by itself; a coroutine that doesn't would hang here and be found.
    thread_.join();
    balancer_.reset();
    events_in_.reset();
}

template <typename F>
auto RunningBalancer::on_its_thread(F function) {
    std::promise<decltype(function())> answer;
    boost::asio::post(context_, [&] { answer.set_value(function()); });
    return answer.get_future().get();
}

RuleCounters RunningBalancer::counters() {
    return on_its_thread([this] {
        const auto traffic = balancer_->data_path().traffic();
        EXPECT_TRUE(traffic.has_value());
        return traffic.has_value() ? traffic->rules.at(0) : RuleCounters();
    });
}

std::uint64_t RunningBalancer::failed_attempts() {
    std::uint64_t sum = 0;
    for (const FlowCounters& backend : counters().backends) sum += backend.failed;
    return sum;
}

std::uint64_t RunningBalancer::connection_count() {
    std::uint64_t sum = 0;
    for (const FlowCounters& backend : counters().backends) sum += backend.established;
    return sum;
}

Result<void> RunningBalancer::call(const std::function<Result<void>(LoadBalancer&)>& function) {
    return on_its_thread([&] { return function(*balancer_); });
}

Snapshot RunningBalancer::snapshot() {
    return on_its_thread([this] {
        auto snapshot = balancer_->snapshot();
        EXPECT_TRUE(snapshot.has_value());
        return snapshot.has_value() ? std::move(*snapshot) : Snapshot();
    });
}

Peer RunningBalancer::connect(std::size_t rule) {
    return Peer::connect(to_string(config_.frontend), config_.rules[rule].frontend_port);
}

std::string RunningBalancer::who_answers(std::size_t rule) {
    Peer peer = connect(rule);
    if (!peer.connected() || !peer.send("who\n")) return {};
    std::string name = peer.read_line();
    if (!name.empty()) name.pop_back();
    return name;
}

Peer RunningBalancer::connect_to_backend(const std::string& name) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        Peer peer = connect();
        if (peer.send("who\n") && peer.read_line() == name + "\n") return peer;
    }
    ADD_FAILURE() << "no connection reached " << name;
    return {};
}

}  // namespace understudy::lb
