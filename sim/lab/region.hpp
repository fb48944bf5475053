// SPDX-License-Identifier: Apache-2.0
// A running region: its fabric, its hosts, its faults. Everything that changes one of them goes through here.
// One thread, the supervisor's loop; a VM's slow calls run on a pool.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sim/lab/core/fault_ledger.hpp"
#include "sim/lab/event_hub.hpp"
#include "sim/lab/host.hpp"
#include "sim/lab/status_document.hpp"
#include "sim/lab/supervisor.hpp"
#include "vmctl/libvirt/hypervisor.hpp"
#include "vmctl/network/fabric.hpp"

namespace understudy::lab {

class Region {
  public:
    // Makes the fabric and, in the world `vm`, opens the hypervisor; starts nothing.
    static Result<std::unique_ptr<Region>> create(boost::asio::any_io_executor executor,
                                                  const SupervisorOptions& options, EventHub& hub);
    ~Region();

    // Powers every host on; returns when each has been, not when they serve.
    boost::asio::awaitable<Result<void>> start();
    boost::asio::awaitable<void> shut_down();

    // `active` and `standby` among the targets stand for the hosts that are so now.
    boost::asio::awaitable<Result<FaultLedger::Applied>> apply(FaultRequest request);
    boost::asio::awaitable<Result<std::vector<std::string>>> heal(std::string id);  // "all": every fault

    Result<std::shared_ptr<Host>> host(const std::string& name) const;  // or a role
    // With `memory`, each host's resident bytes too: they are added up from /proc, which is not for every
    // poll.
    json::object status(bool memory = false) const;
    bool ready() const;
    // What each file service says of itself, as its administration gives it, or {"name", "error"}:
    // [{"name","shares":[…]}].
    boost::asio::awaitable<json::array> file_services();
    // The same of each database of our own: [{"name","connections","frozen","faults":[…],…}].
    boost::asio::awaitable<json::array> databases();

  private:
    Region(boost::asio::any_io_executor executor, const SupervisorOptions& options, EventHub& hub,
           vmctl::Fabric fabric);
    Result<void> open_hypervisor();
    void make_hosts();
    Result<std::vector<std::string>> resolve(const std::vector<std::string>& names) const;
    boost::asio::awaitable<Result<void>> carry_out(std::vector<Effect> effects);
    boost::asio::awaitable<Result<void>> carry_out_one(Effect effect);
    boost::asio::awaitable<Result<void>> change_service(std::shared_ptr<Host> host, Effect effect);
    boost::asio::awaitable<json::array> states_of(std::function<bool(const std::string&)> wanted);
    boost::asio::awaitable<void> heal_when_due();
    boost::asio::awaitable<void> keep_service_faults();
    StatusDocument status_document() const;

    boost::asio::any_io_executor executor_;
    const SupervisorOptions& options_;
    EventHub& hub_;
    vmctl::Fabric fabric_;
    std::unique_ptr<vmctl::Hypervisor> hypervisor_;
    boost::asio::thread_pool pool_;
    Accounts accounts_;
    std::vector<std::shared_ptr<Host>> hosts_;
    std::unique_ptr<FaultLedger> ledger_;
    boost::asio::steady_timer healing_;
    bool started_ = false;
};

}  // namespace understudy::lab
