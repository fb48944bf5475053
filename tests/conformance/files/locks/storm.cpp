// SPDX-License-Identifier: Apache-2.0
#include "storm.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <fstream>

#include "base/io/clock.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {

namespace {

// Long enough that a service that is started again on a busy machine is back well within it.
constexpr Duration lease = 6s;
constexpr const char* hosts[] = {"a", "b"};
constexpr const char* blow_names[] = {"worker killed",         "mount killed", "frozen briefly",
                                      "frozen past the lease", "cut briefly",  "cut past lease",
                                      "service killed"};
// How often each, in relation.
constexpr unsigned blow_weights[] = {30, 4, 10, 1, 10, 1, 5};

}  // namespace

Result<std::unique_ptr<Storm>> Storm::make(std::uint64_t seed) {
    auto storm = std::unique_ptr<Storm>(new Storm(seed));
    storm->table_ = Table::make();
    if (storm->table_ == nullptr) return system_error("shared memory", errno);
    UNDERSTUDY_TRY(storm->network_, lb::conformance::Network::make());
    Result<std::unique_ptr<Service>> started = Error();
    storm->network_->as_router([&] {
        ServiceOptions options;
        options.client_lease = "6s";
        options.address = "192.0.2.1";
        started = Service::start(0, options);
    });
    UNDERSTUDY_TRY(storm->service_, std::move(started));
    std::ofstream(storm->service_->data("locks")) << std::string(lock_count, ' ');
    std::ofstream(storm->service_->data("counters")) << std::string(lock_count * 8, '\0');
    for (int host : {0, 1}) UNDERSTUDY_CHECK(storm->mount(host));
    for (int worker = 0; worker < worker_count; ++worker) storm->begin_work(worker);
    return storm;
}

Storm::~Storm() {
    if (table_ != nullptr) table_->stop = true;
    for (auto& worker : workers_) worker.reset();
}

Result<void> Storm::mount(int host) {
    Result<void> outcome;
    network_->as_backend(static_cast<std::size_t>(host), [&] { outcome = service_->mount(hosts[host]); });
    return outcome;
}

void Storm::begin_work(int worker) {
    std::string folder = service_->at(hosts[worker / (worker_count / 2)]);
    std::uint64_t seed = random_.next();
    workers_[static_cast<std::size_t>(worker)] =
        std::make_unique<Child>([this, worker, folder, seed] { return work(*table_, worker, folder, seed); });
}

void Storm::disturb(int host, bool begin) {
    for (int i = 0; i < worker_count / 2; ++i) {
        Table::Worker& worker = table_->workers[host * worker_count / 2 + i];
        if ((worker.generation % 2 == 0) == begin) ++worker.generation;
        if ((worker.cuts % 2 == 0) == begin) ++worker.cuts;
    }
}

// Waits, and looks meanwhile whether something went wrong.
Result<void> Storm::let_pass(Duration duration) {
    if (test::eventually([&] { return table_->wrong.load(); }, duration))
        return Error(ErrorKind::failed, "the locks", table_->what);
    return {};
}

Result<void> Storm::until_ready(int host, std::size_t before) {
    Program& mount = service_->client(hosts[host]);
    if (test::eventually([&] { return mount.count("ready") > before; })) return {};
    return Error(ErrorKind::timeout, "mount of " + std::string(hosts[host]), "doesn't come back");
}

Result<void> Storm::freeze(int host, bool past_lease) {
    Program& mount = service_->client(hosts[host]);
    std::size_t expired = service_->server().count("session_expired"), ready = mount.count("ready");
    if (past_lease) disturb(host, true);
    mount.signal(SIGSTOP);
    Result<void> passed = let_pass(past_lease ? lease / 2 : lease / 8);
    if (past_lease &&
        !test::eventually([&] { return service_->server().count("session_expired") > expired; }))
        return Error(ErrorKind::timeout, "the lease of a frozen mount", "doesn't end");
    mount.signal(SIGCONT);
    UNDERSTUDY_CHECK(std::move(passed));
    if (past_lease) {
        UNDERSTUDY_CHECK(until_ready(host, ready));
        disturb(host, false);
    }
    return {};
}

Result<void> Storm::cut(int host, bool past_lease) {
    Program& mount = service_->client(hosts[host]);
    std::size_t expired = service_->server().count("session_expired"), ready = mount.count("ready");
    if (past_lease) disturb(host, true);
    UNDERSTUDY_CHECK(network_->silence(static_cast<std::size_t>(host)));
    Result<void> passed = let_pass(past_lease ? lease / 2 : lease / 8);
    if (past_lease &&
        !test::eventually([&] { return service_->server().count("session_expired") > expired; }))
        return Error(ErrorKind::timeout, "the lease of a host that was cut off", "doesn't end");
    UNDERSTUDY_CHECK(network_->unsilence(static_cast<std::size_t>(host)));
    UNDERSTUDY_CHECK(std::move(passed));
    if (past_lease) {
        UNDERSTUDY_CHECK(until_ready(host, ready));
        disturb(host, false);
    }
    return {};
}

Result<void> Storm::strike() {
    unsigned total = 0, which = 0;
    for (unsigned weight : blow_weights) total += weight;
    for (std::uint64_t at = random_.below(total); at >= blow_weights[which]; ++which)
        at -= blow_weights[which];
    int host = static_cast<int>(random_.below(2));
    ++done_[which];
    switch (static_cast<Blow>(which)) {
        case kill_worker: {
            int worker = static_cast<int>(random_.below(worker_count));
            auto& generation = table_->workers[worker].generation;
            ++generation;
            auto& child = workers_[static_cast<std::size_t>(worker)];
            child->kill();
            if (!child->has_ended(20s))
                return Error(ErrorKind::timeout, fmt::format("worker {}", worker), "can't be killed");
            ++generation;
            begin_work(worker);
            return {};
        }
        case kill_mount:
            disturb(host, true);
            UNDERSTUDY_CHECK(mount(host));
            disturb(host, false);
            return {};
        case freeze_briefly:
            return freeze(host, false);
        case freeze_long:
            return freeze(host, true);
        case cut_briefly:
            return cut(host, false);
        case cut_long:
            return cut(host, true);
        case kill_server: {
            Result<void> outcome;
            network_->as_router([&] { outcome = service_->start_server(); });
            return outcome;
        }
        case blows:
            break;
    }
    return {};
}

Result<void> Storm::rage(std::uint64_t operations, const std::function<void(std::uint64_t)>& tell) {
    constexpr std::uint64_t told_every = 100'000;
    Instant moved = io::monotonic_now();
    std::uint64_t before = 0;
    while (table_->operations < operations) {
        UNDERSTUDY_CHECK(let_pass(std::chrono::milliseconds(50 + random_.below(400))));
        const std::uint64_t now = table_->operations;
        if (now != before) {
            if (now / told_every != before / told_every) tell(now);
            before = now;
            moved = io::monotonic_now();
        } else if (io::monotonic_now() - moved > 60s) {
            return Error(ErrorKind::timeout, "the locks", "nothing was locked or unlocked for 60 s");
        }
        UNDERSTUDY_CHECK(strike());
    }
    UNDERSTUDY_CHECK(let_pass(lease));
    // In the end everyone must get on again.
    std::array<std::uint64_t, worker_count> rounds;
    for (int i = 0; i < worker_count; ++i) rounds[static_cast<std::size_t>(i)] = table_->workers[i].rounds;
    for (int i = 0; i < worker_count; ++i)
        if (!test::eventually(
                [&] { return table_->workers[i].rounds > rounds[static_cast<std::size_t>(i)]; }))
            return Error(ErrorKind::timeout, fmt::format("worker {}", i), "is held up for good");
    return let_pass(1ms);
}

std::string Storm::last_events() {
    std::string text;
    const auto add = [&](const std::string& name, Program& program) {
        std::vector<Event> events = program.events();
        std::erase_if(events, [](const Event& event) { return event.name.starts_with("lock_"); });
        for (std::size_t i = events.size() > 20 ? events.size() - 20 : 0; i < events.size(); ++i)
            text += fmt::format("{}: {}: {}\n", name, events[i].name, events[i].detail);
    };
    add("service", service_->server());
    for (const char* host : hosts) add(fmt::format("mount of {}", host), service_->client(host));
    return text;
}

std::string Storm::summary() const {
    std::string text = fmt::format("{} locks and unlocks; {} taken over from a holder that was disturbed",
                                   table_->operations.load(), table_->taken_over.load());
    for (std::size_t i = 0; i < blows; ++i) text += fmt::format("; {} {}", done_[i], blow_names[i]);
    return text;
}

}  // namespace understudy::files::testing
