// SPDX-License-Identifier: Apache-2.0
// A load balancer at work: drives the pure machine with the clock and the prober, hands its decisions to the
// data path, and reports what happens as events:
//   configured {rules, backends, probes, max_connections} · ready · reloaded {changes} ·
//   probe_succeeded / probe_failed {backend, probe, latency_us} · probe_up / probe_down {backend, probe} ·
//   no_healthy_backend {rule} and healthy_backend_again {rule, backend}, each at the transition only ·
//   backend_enabled / _disabled / _draining / _drained / _stopped / _started {backend} ·
//   connection_failed {backend, rule, client, suppressed}: an attempt on a backend failed; ten a second at
//   most, the others are counted in `suppressed` of the next one.
// Order of effects on a transition: the data path routes new flows elsewhere, the event is written, then
// established flows are ended. Ownership: by shared_ptr; call stop() before the executor's context ends, and
// keep the EventWriter until then. Threads: the executor's, one.
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
#include "lb/snapshot.hpp"

namespace understudy::lb {

class LoadBalancer : public std::enable_shared_from_this<LoadBalancer>, private DataPathObserver {
  public:
    // Takes the frontend, begins to probe and to pass flows, and reports `configured` and `ready`. Error kind
    // environment: a port or address can't be had. bad_input: the data path can't do what is asked of it.
    static Result<std::shared_ptr<LoadBalancer>> start(boost::asio::any_io_executor executor, Config config,
                                                       io::EventWriter& events);
    void stop();

    // From now on by this configuration. What is known of backends that stay is kept, and so are their
    // flows. bad_input: data_path or admin_socket differ, which takes a new start. On error all stays as it
    // was.
    Result<void> reconfigure(Config config);

    // The administrator's will for one backend; bad_input: there is none of that name. drain: of one that is
    // disabled already there is nothing to drain, bad_input.
    Result<void> enable(const std::string& host);
    Result<void> disable(const std::string& host);
    Result<void> drain(const std::string& host);
    // The backend's machine was stopped or runs again, for this reason in words.
    Result<void> backend_stopped(const std::string& host, const std::string& reason);
    Result<void> backend_started(const std::string& host, const std::string& reason);

    Result<Snapshot> snapshot();
    const Config& config() const { return *config_; }
    const LoadBalancerMachine& machine() const { return machine_; }
    DataPath& data_path() { return *data_path_; }

  private:
    LoadBalancer(boost::asio::any_io_executor executor, Config config, io::EventWriter& events);

    void drive();
    void arm();
    void carry_out(const RoutingTable& action);
    void carry_out(const StartProbe& action);
    void carry_out(const ProbeReport& action);
    void carry_out(const NoHealthyBackend& action);
    void carry_out(const HealthyBackendAgain& action);
    void carry_out(const BackendChanged& action);
    void carry_out(const CountFlows& action);
    void carry_out(const EndEstablished& action);
    void attempt_failed(const std::string& rule, const std::string& host, Endpoint client,
                        const std::string& reason) override;
    Result<std::size_t> place_of(const std::string& host) const;
    void handle(const MachineEvent& event);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<const Config> config_;
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
