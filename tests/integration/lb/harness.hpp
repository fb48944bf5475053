// SPDX-License-Identifier: Apache-2.0
// A load balancer in this process, in a thread of its own, with its events collected from the pipe it writes
// to.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/io/event_writer.hpp"
#include "base/io/unique_fd.hpp"
#include "lb/load_balancer.hpp"
#include "sockets_of_test.hpp"

namespace understudy::lb {

// Reads event lines from a descriptor until it ends.
class EventLog {
  public:
    explicit EventLog(io::UniqueFd from);
    ~EventLog();
    // The first event that fits, awaited; nothing after `patience`. Later calls see the same events again.
    std::optional<Event> wait(const std::function<bool(const Event&)>& fits);
    std::optional<Event> wait(const std::string& name, const std::string& backend = {});
    // Whether so many have come before `patience` was over.
    bool wait_for_count(const std::string& name, const std::string& backend, std::size_t count);
    std::size_t count(const std::string& name, const std::string& backend = {});
    void forget();  // what came so far

  private:
    void read();
    io::UniqueFd from_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<Event> events_;
    std::thread reader_;
};

// Two backends "a" (127.0.0.2) and "b" (127.0.0.3), one TCP probe "p2p" of 50 ms, threshold 2, one rule "p2p"
// on 127.0.0.1. Ports are free ones.
Config test_config();

// A rule "ssh-a" that leads a free port of the frontend to backend a's port of the first rule.
InboundNatRule inbound_nat_to_a(const Config& config);

class RunningBalancer {
  public:
    explicit RunningBalancer(Config config);
    ~RunningBalancer();

    EventLog& events() { return *events_; }
    Peer connect(std::size_t rule = 0);
    // "a" or "b"; empty when the connection failed.
    std::string who_answers(std::size_t rule = 0);
    // A connection that this backend has answered on.
    Peer connect_to_backend(const std::string& name);
    // Of the first rule.
    RuleCounters counters();
    std::uint64_t failed_attempts();
    std::uint64_t connection_count();
    // On the balancer's thread.
    Result<void> call(const std::function<Result<void>(LoadBalancer&)>& function);
    Snapshot snapshot();

  private:
    template <typename F>
    auto on_its_thread(F function);

    Config config_;
    std::unique_ptr<EventLog> events_;
    io::UniqueFd events_in_;
    std::unique_ptr<io::EventWriter> writer_;
    boost::asio::io_context context_{1};
    std::shared_ptr<LoadBalancer> balancer_;
    std::thread thread_;
};

}  // namespace understudy::lb
