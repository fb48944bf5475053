// SPDX-License-Identifier: Apache-2.0
// The control socket's commands, answered: status, events, fault, heal, unit, exec, down. The protocol is in
// control_client.hpp; what a command takes is beside its function in commands.cpp and exec_session.cpp. One
// thread.
#pragma once

#include <functional>
#include <memory>

#include "sim/lab/control_server.hpp"
#include "sim/lab/event_hub.hpp"
#include "sim/lab/region.hpp"
#include "sim/lab/supervisor.hpp"

namespace understudy::lab {

class Commands {
  public:
    Commands(Region& region, EventHub& hub, const SupervisorOptions& options, std::function<void()> stop)
        : region_(region), hub_(hub), options_(options), stop_(std::move(stop)) {}

    ControlHandler handler();

  private:
    using Connection = std::shared_ptr<ControlConnection>;
    boost::asio::awaitable<void> dispatch(Connection connection, json::object request);
    boost::asio::awaitable<void> events(Connection connection, json::object request);
    boost::asio::awaitable<json::object> fault(json::object request);
    boost::asio::awaitable<json::object> heal(json::object request);
    json::object unit(const json::object& request);
    boost::asio::awaitable<void> down(Connection connection);

    Region& region_;
    EventHub& hub_;
    const SupervisorOptions& options_;
    std::function<void()> stop_;
};

// A stored event as `understudy events --json` prints it.
json::object event_line(const scenario::RegionEvent& event);
// And back, for whoever follows over the socket.
Result<scenario::RegionEvent> event_from_line(const json::object& line);

}  // namespace understudy::lab
