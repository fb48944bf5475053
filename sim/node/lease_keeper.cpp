// SPDX-License-Identifier: Apache-2.0
#include "sim/node/lease_keeper.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/io/clock.hpp"
#include "sim/node/lease_store.hpp"

namespace understudy::node {

LeaseKeeper::LeaseKeeper(asio::any_io_executor executor, DatabaseAddress database, LeaseIdentity self,
                         LeaseIntervals intervals, io::EventWriter& events,
                         std::function<void(std::string)> end)
    : executor_(executor),
      database_(std::move(database)),
      self_(self),
      intervals_(intervals),
      events_(events),
      end_(std::move(end)),
      machine_(std::move(self), intervals),
      timer_(executor),
      taken_(executor, asio::steady_timer::time_point::max()) {}

asio::awaitable<Result<void>> LeaseKeeper::connect() {
    const std::function<Result<bool>()> connect = [held = connection_,
                                                   address = database_]() -> Result<bool> {
        UNDERSTUDY_TRY(Connection connection, Connection::open(address));
        UNDERSTUDY_CHECK(create_lease_table(connection));
        held->emplace(std::move(connection));
        return true;
    };
    const auto connected = co_await worker_.run<bool>(connect, database_.dead_after + 5s);
    if (connected.has_error()) co_return connected.error();
    co_return Result<void>();
}

asio::awaitable<void> LeaseKeeper::acquire() {
    machine_.start(io::monotonic_now());
    step();
    while (!machine_.holding()) co_await taken_.async_wait(as_result);
}

void LeaseKeeper::step() {
    for (const LeaseAction& action : machine_.take_actions()) carry_out(action);
    const auto deadline = machine_.next_deadline();
    if (!deadline) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(io::to_steady(deadline->when));
    timer_.async_wait([this](const boost::system::error_code& failure) {
        if (failure) return;
        machine_.on_timeout(io::monotonic_now());
        step();
    });
}

void LeaseKeeper::carry_out(const LeaseAction& action) {
    struct Visitor {
        LeaseKeeper& keeper;
        void operator()(const ClaimRow&) const {
            keeper.ask([self = keeper.self_, wait = keeper.intervals_.wait](Connection& connection) {
                return claim_lease(connection, self, wait);
            });
        }
        void operator()(const RenewRow&) const {
            keeper.ask(
                [self = keeper.self_](Connection& connection) { return renew_lease(connection, self); });
        }
        void operator()(const LeaseRefused& refused) const {
            keeper.events_.report(
                "lease_refused",
                fmt::format("held by {}, process {}, renewed {} ago; this process ends in {}", refused.holder,
                            refused.holder_pid, format_duration(refused.age), format_duration(refused.wait)),
                {{"holder", refused.holder},
                 {"holder_pid", refused.holder_pid},
                 {"age_ms", whole_milliseconds(refused.age)},
                 {"wait_ms", whole_milliseconds(refused.wait)}});
        }
        void operator()(const LeaseTaken& taken) const {
            keeper.version_ = taken.version;
            keeper.events_.report("lease_taken",
                                  taken.took_over ? fmt::format("taken over from {}", taken.previous_holder)
                                                  : std::string("the lease is this host's"),
                                  {{"version", taken.version},
                                   {"previous_holder", taken.previous_holder},
                                   {"took_over", taken.took_over},
                                   {"previous_age_ms", whole_milliseconds(taken.previous_age)},
                                   {"identity", keeper.self_.machine_name}});
            keeper.taken_.cancel();
        }
        void operator()(const LeaseRenewed& renewed) const {
            keeper.version_ = renewed.version;
            keeper.events_.report("lease_renewed", fmt::format("version {}", renewed.version),
                                  {{"version", renewed.version}});
        }
        void operator()(const LeaseLost& lost) const {
            keeper.events_.report("lease_lost", lost.reason,
                                  {{"cause", std::string(lost.unconfirmed ? "unconfirmed" : "told")}});
        }
        void operator()(const EndProcess& ending) const { keeper.end_(ending.reason); }
    };
    std::visit(Visitor{*this}, action);
}

void LeaseKeeper::ask(std::function<Result<LeaseAnswered>(Connection&)> question) {
    asio::co_spawn(
        executor_,
        [](LeaseKeeper* keeper,
           std::function<Result<LeaseAnswered>(Connection&)> asked) -> asio::awaitable<void> {
            const std::function<Result<LeaseAnswered>()> job = [held = keeper->connection_, asked] {
                return asked(**held);
            };
            // The machine's own deadline ends the wait for an answer that never comes.
            const auto answer = co_await keeper->worker_.run<LeaseAnswered>(job);
            const Instant now = io::monotonic_now();
            if (answer.has_error())
                keeper->machine_.handle(DatabaseLost{answer.error().message()}, now);
            else
                keeper->machine_.handle(*answer, now);
            keeper->step();
        }(this, std::move(question)),
        asio::detached);
}

}  // namespace understudy::node
