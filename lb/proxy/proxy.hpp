// SPDX-License-Identifier: Apache-2.0
// The data path in user space, which needs no privilege: sockets on the frontend's address, one connection to
// a backend for each of a client's, bytes copied or spliced between them by `threads` threads. What it can't
// do it refuses with bad_input: UDP, HA ports, floating IP, outbound rules, another number of threads without
// a restart. A flow without an eligible backend, or above max_connections, is reset at once and counted.
// Beyond data_path.hpp: an idle timeout is always told to both sides by a reset, tcp_reset or not, because a
// process can't drop a connection in silence and an orderly end would look like the end of the data.
// Ownership: the observer outlives the proxy. Threads: one, that of the executor; its own are hidden.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <vector>

#include "lb/data_path.hpp"
#include "lb/proxy/worker.hpp"

namespace understudy::lb {

class Proxy final : public DataPath {
  public:
    Proxy(boost::asio::any_io_executor executor, DataPathObserver& observer);
    ~Proxy() override;

    Result<void> open(std::shared_ptr<const Config> config, const RoutingTable& table) override;
    Result<void> route(const RoutingTable& table) override;
    Result<void> reconfigure(std::shared_ptr<const Config> config, const RoutingTable& table) override;
    Result<void> end_established(const EndEstablished& what) override;
    Result<Traffic> traffic() override;
    void close() override;

  private:
    struct Reports;

    Result<std::vector<NewListeners>> listen_for(const Plan& plan) const;
    void follow(std::shared_ptr<const Plan> plan, std::vector<NewListeners> listeners);
    template <typename Work>
    void on_each_worker(Work work);

    std::shared_ptr<Reports> reports_;
    WorkerContext context_;
    std::shared_ptr<const Config> config_;
    std::shared_ptr<const Plan> plan_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace understudy::lb
