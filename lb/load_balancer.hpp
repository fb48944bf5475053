// SPDX-License-Identifier: Apache-2.0
// A load balancer at work: drives the pure machine with the clock and the prober, hands its decisions to the
// data path, and reports what happens as events:
//   configured {rules, backends, probes, max_connections} · ready ·
//   probe_succeeded / probe_failed {backend, probe, latency_us} · probe_up / probe_down {backend, probe} ·
//   no_healthy_backend {rule} and healthy_backend_again {rule, backend}, each at the transition only ·
//   connection_failed {backend, rule, client, suppressed}: an attempt on a backend failed; ten a second at
//   most, the others are counted in `suppressed` of the next one.
// Order of effects on a transition: the machine routes new flows elsewhere, the event is written, then
// established connections are reset. Ownership: by shared_ptr; call stop() before the executor's context
// ends, and keep the EventWriter until then. Threads: the executor's, one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "base/io/event_writer.hpp"
#include "base/result.hpp"
#include "lb/config.hpp"
#include "lb/core/load_balancer_machine.hpp"
#include "lb/data_path.hpp"

namespace understudy::lb {

class LoadBalancer : public std::enable_shared_from_this<LoadBalancer>, private DataPathObserver {
  public:
    // Binds the listeners, begins to probe and to accept, and reports `configured` and `ready`. Error kind
    // environment: a port or address can't be had.
    static Result<std::shared_ptr<LoadBalancer>> start(boost::asio::any_io_executor executor, Config config,
                                                       io::EventWriter& events);
    void stop();

    const LoadBalancerMachine& machine() const { return machine_; }
    DataPath& data_path() { return *data_path_; }

  private:
    LoadBalancer(boost::asio::any_io_executor executor, Config config, io::EventWriter& events);

    void drive();
    void arm();
    void carry_out(const StartProbe& action);
    void carry_out(const ProbeReport& action);
    void carry_out(const NoHealthyBackend& action);
    void carry_out(const HealthyBackendAgain& action);
    void attempt_failed(const std::string& rule, const std::string& host, Endpoint client,
                        const std::string& reason) override;
    RoutingTable routing_table() const;
    void check_carried_out(const Result<void>& outcome);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<const Config> held_config_;
    const Config& config_;
    io::EventWriter& events_;
    LoadBalancerMachine machine_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<DataPath> data_path_;
    Instant attempts_since_{};
    int attempts_reported_ = 0;
    std::int64_t attempts_suppressed_ = 0;
    bool stopped_ = false;
};

}  // namespace understudy::lb
