// SPDX-License-Identifier: Apache-2.0
// Drives the fault machine of one share: hands it the clock, wakes it at its deadlines, answers the requests
// that wait and reports what comes and goes as events "fault" and "heal". One thread (the executor's).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/io/event_writer.hpp"
#include "storage/files/core/fault_machine.hpp"

namespace understudy::files {

class Faults {
  public:
    Faults(boost::asio::any_io_executor executor, std::string share, io::EventWriter& events)
        : timer_(executor), share_(std::move(share)), events_(events) {}

    Result<void> apply(const std::string& id, const Fault& fault);
    bool heal(const std::string& id);
    std::vector<FaultMachine::InForce> in_force() const { return machine_.in_force(); }
    std::size_t waiting() const { return machine_.waiting(); }

    bool any() const { return machine_.any(); }
    bool is_cut_off(std::string_view client) const { return machine_.is_cut_off(client); }

    // What befalls the request, when that is decided: 0 it goes on, an errno, or `given_up` after cancel().
    // Tickets come from new_ticket() and are used once.
    static constexpr int given_up = -1;
    boost::asio::awaitable<int> judge(std::uint64_t ticket, JudgedRequest request);
    std::uint64_t new_ticket() { return next_ticket_++; }
    void cancel(std::uint64_t ticket);

    void on_changed(std::function<void()> callback) { changed_ = std::move(callback); }
    // The last call that is made: whoever is called ends the service.
    void on_power_lost(std::function<void(const Fault&)> callback) { power_lost_ = std::move(callback); }

  private:
    struct Waiter {
        boost::asio::steady_timer answered;  // cancelled when it was
        bool decided = false;
        int outcome = 0;
    };
    void carry_out();
    void answer(std::uint64_t ticket, int outcome);
    void arm();
    void report(const char* name, const std::string& id, const Fault& fault, const std::string& detail);

    FaultMachine machine_;
    boost::asio::steady_timer timer_;
    std::string share_;
    io::EventWriter& events_;
    std::function<void()> changed_ = [] {};
    std::function<void(const Fault&)> power_lost_ = [](const Fault&) {};
    std::uint64_t next_ticket_ = 1;
    std::map<std::uint64_t, std::shared_ptr<Waiter>> waiters_;  // by ticket
};

}  // namespace understudy::files
