// SPDX-License-Identifier: Apache-2.0
// Two hosts, each in a network of its own, whose workers lock and unlock on one share, while what a storm can
// do is done to them: a worker killed, a mount killed and made anew, a mount frozen, a host cut off, the
// service killed and started again. Short ones must cost no lock; those longer than the lease may. One
// thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "base/random.hpp"
#include "table.hpp"
#include "tests/conformance/files/service.hpp"
#include "tests/conformance/lb/network.hpp"

namespace understudy::files::testing {

class Storm {
  public:
    static Result<std::unique_ptr<Storm>> make(std::uint64_t seed);
    ~Storm();

    // Until so many locks and unlocks have been done; after each 100,000 `tell` is told how many. Error kind
    // failed: what was wrong; timeout: nothing went on for 60 s.
    Result<void> rage(std::uint64_t operations, const std::function<void(std::uint64_t)>& tell);
    std::string summary() const;
    std::string last_events();  // of each program, for whoever must find out what went wrong

  private:
    enum Blow {
        kill_worker,
        kill_mount,
        freeze_briefly,
        freeze_long,
        cut_briefly,
        cut_long,
        kill_server,
        blows
    };

    explicit Storm(std::uint64_t seed) : random_(seed) {}
    Result<void> strike();
    Result<void> freeze(int host, bool past_lease);
    Result<void> cut(int host, bool past_lease);
    Result<void> mount(int host);
    void begin_work(int worker);
    void disturb(int host, bool begin);
    Result<void> let_pass(Duration duration);
    Result<void> until_ready(int host, std::size_t before);

    Random random_;
    std::optional<lb::conformance::Network> network_;
    std::unique_ptr<Service> service_;
    Table* table_ = nullptr;
    std::array<std::unique_ptr<Child>, worker_count> workers_;
    std::array<std::uint64_t, blows> done_ = {};
};

}  // namespace understudy::files::testing
