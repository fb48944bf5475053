// SPDX-License-Identifier: Apache-2.0
// One data path at work on the router, backends that answer as a test wants, and clients. Each test has a
// data path of its own; the network is one for the program. Every wait ends after `patience`.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "data_paths.hpp"
#include "network.hpp"
#include "tests/integration/lb/sockets_of_test.hpp"

namespace understudy::lb::conformance {

constexpr std::uint16_t frontend_port = 10010;
constexpr std::uint16_t backend_port = 20020;

// Failed attempts as the data path told them.
class Attempts final : public DataPathObserver {
  public:
    void attempt_failed(const std::string& rule, const std::string& host, Endpoint client,
                        const std::string& reason) override;
    // The reason of the first one on this backend, awaited.
    std::optional<std::string> wait(const std::string& host);

  private:
    std::mutex mutex_;
    std::condition_variable told_;
    std::vector<std::pair<std::string, std::string>> failed_;
};

class Conformance : public ::testing::TestWithParam<NamedDataPath> {
  protected:
    static void SetUpTestSuite();
    static void TearDownTestSuite();
    void SetUp() override;
    void TearDown() override;

    const Promises& promises() const { return GetParam().promises; }

    // One rule from frontend_port to backend_port over the backends "a", "b" and "c".
    Config base_config() const;
    static RoutingTable to(std::vector<std::size_t> eligible);

    // The data path. What fails fails the test.
    void open(const Config& config, const RoutingTable& table);
    Result<void> try_to_open(const Config& config, const RoutingTable& table);
    void open_to(std::vector<std::size_t> eligible) { open(base_config(), to(std::move(eligible))); }
    void route(const RoutingTable& table);
    Result<void> reconfigure(Config config, const RoutingTable& table);
    void end_established(std::size_t backend);
    RuleCounters counters();
    // Counters once they say what is expected of them; as they are when `patience` is over.
    RuleCounters counters_when(const std::function<bool(const RuleCounters&)>& fits);
    // Of the first inbound NAT rule, likewise.
    FlowCounters inbound_nat_when(const std::function<bool(const FlowCounters&)>& fits);
    void close();

    // Backends. Handlers run on threads in the backend's namespace.
    TestBackend& serve(std::size_t place, TestBackend::Handler handler, std::uint16_t port = backend_port);
    void serve_echo();  // all three, each answering "who" with its name

    // Clients.
    Peer connect(const std::string& source = client_address, std::uint16_t port = frontend_port);
    // errno of a connect that is given half a second: EINPROGRESS where nobody answered; 0 if it was taken.
    int connect_error(std::uint16_t port = frontend_port);
    // The name of the backend that this connection reaches; empty when it wasn't taken.
    static std::string who(Peer& peer);
    std::string who_answers(const std::string& source = client_address, std::uint16_t port = frontend_port);
    // A connection that has reached this backend.
    Peer connect_to(const std::string& name);

    Attempts attempts_;
    static std::unique_ptr<Network> network_;

  private:
    template <typename Work>
    auto on_its_thread(Work work);

    static std::string unavailable_;
    boost::asio::io_context context_{1};
    std::unique_ptr<DataPath> path_;
    std::thread thread_;
    std::vector<std::unique_ptr<TestBackend>> backends_;
};

}  // namespace understudy::lb::conformance
