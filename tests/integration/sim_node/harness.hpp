// SPDX-License-Identifier: Apache-2.0
// Real programs on loopback for the node's tests: a PostgreSQL server of the test's own, nodes, network map
// and client with their events. Every process is killed when its object, or the test, ends.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/event.hpp"
#include "base/io/free_port.hpp"
#include "base/io/http.hpp"
#include "base/io/unique_fd.hpp"
#include "sim/node/core/audit.hpp"
#include "sim/node/database.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::node {

constexpr auto generous = std::chrono::seconds(60);

using io::free_port;
bool port_is_open(std::uint16_t port);

class Process {
  public:
    explicit Process(std::vector<std::string> arguments);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number);
    std::optional<int> exit_status();  // none while it runs; 128 + number after a signal
    std::optional<int> wait_for_exit(std::chrono::milliseconds limit = generous);
    void kill();

    std::vector<Event> events(const std::string& name);
    bool saw(const std::string& name) { return !events(name).empty(); }
    bool wait_for(const std::string& name) {
        return test::eventually([&] { return saw(name); }, generous);
    }

  private:
    void read_events();
    pid_t pid_ = -1;
    std::optional<int> status_;
    io::UniqueFd pipe_;
    std::mutex mutex_;
    std::vector<Event> events_;
    std::thread reader_;
};

struct NodeSetting {
    std::string party = "a";  // legal name "O=Party A", database party_a
    std::string machine = "one";
    std::string share = "a";  // directory name
    bool exclusive = true;
    std::string update = "500ms";  // far apart: a node whose renewal is late for want of a processor gives up
    std::string wait = "2s";
    std::string defect = {};
};

class NodeTest : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    std::unique_ptr<Process> node(const NodeSetting& setting);
    std::unique_ptr<Process> client(const std::string& rate);
    void start_network_map();
    void kill_database();
    std::vector<pid_t> database_backends() const;

    // POST to party a's RPC port; 0: no answer.
    int pay(const std::string& id, std::int64_t amount = 1, const std::string& to = "O=Party B",
            std::chrono::milliseconds limit = generous);
    io::HttpResponse request(std::uint16_t port, io::HttpRequest request,
                             std::chrono::milliseconds limit = generous);
    Audit audit(const std::string& party);
    std::string record_text() const;
    PaymentVerdict verdict(const ClientRecord& record) { return compare(record, audit("a"), audit("b")); }

    struct Ports {
        std::uint16_t p2p = free_port();
        std::uint16_t rpc = free_port();
        std::uint16_t http = free_port();
    };
    // Hosts of one party share ports: the one that isn't active has none open.
    std::map<std::string, Ports> ports_;
    const test::ScratchDirectory scratch_;
    const std::string directory_ = scratch_.path();
    std::uint16_t database_port_ = 0;
    std::uint16_t map_port_ = 0;
    std::unique_ptr<Process> database_;
    std::unique_ptr<Process> map_;
};

}  // namespace understudy::node
