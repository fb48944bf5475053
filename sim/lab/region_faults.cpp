// SPDX-License-Identifier: Apache-2.0
// A region's faults: applied, healed and healed when their time is over; what each does to its hosts.
#include <signal.h>

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"
#include "sim/lab/region.hpp"
#include "sim/lab/run_all.hpp"

namespace understudy::lab {

namespace asio = boost::asio;
using io::as_result;

asio::awaitable<Result<FaultLedger::Applied>> Region::apply(FaultRequest request) {
    auto targets = resolve(request.targets);
    if (targets.has_error()) co_return targets.error();
    auto others = resolve(request.others);
    if (others.has_error()) co_return others.error();
    request.targets = std::move(*targets);
    request.others = std::move(*others);
    if (const auto client = request.settings.find("client"); client != request.settings.end()) {
        auto named = resolve({client->second});
        if (named.has_error()) co_return named.error();
        client->second = named->front();
    }
    const std::string words = in_words(request);
    auto applied = ledger_->apply(request, io::monotonic_now());
    if (applied.has_error()) co_return applied.error();
    for (const std::string& target : request.targets)
        hub_.record(
            target,
            {"lab",
             "fault_applied",
             words,
             {{"fault", applied->id}, {"kind", std::string(to_string(request.kind))}, {"target", target}}});
    auto carried = co_await carry_out(applied->effects);
    if (carried.has_error()) {
        // A service has refused what only it can judge: then it is no fault in force.
        const bool of_service =
            scenario::is_share_fault(request.kind) || scenario::is_database_fault(request.kind);
        if (of_service && !applied->heals_itself) co_await heal(applied->id);
        co_return carried.error();
    }
    healing_.cancel();
    co_return std::move(*applied);
}

asio::awaitable<Result<std::vector<std::string>>> Region::heal(std::string id) {
    std::vector<std::string> ids{id};
    if (id == "all") {
        ids.clear();
        for (const Fault& fault : ledger_->in_force()) ids.push_back(fault.id);
    }
    for (const std::string& each : ids) {
        FaultRequest request;
        for (const Fault& fault : ledger_->in_force())
            if (fault.id == each) request = fault.request;
        auto effects = ledger_->heal(each);
        if (effects.has_error()) co_return effects.error();
        for (const std::string& target : request.targets)
            hub_.record(
                target,
                {"lab",
                 "fault_healed",
                 in_words(request),
                 {{"fault", each}, {"kind", std::string(to_string(request.kind))}, {"target", target}}});
        auto carried = co_await carry_out(std::move(*effects));
        if (carried.has_error()) co_return carried.error();
    }
    co_return ids;
}

asio::awaitable<void> Region::heal_when_due() {
    while (started_) {
        const auto next = ledger_->next_deadline();
        healing_.expires_at(next ? io::to_steady(next->when) : asio::steady_timer::time_point::max());
        co_await healing_.async_wait(as_result);
        for (const std::string& id : ledger_->due(io::monotonic_now())) co_await heal(id);
    }
}

asio::awaitable<Result<void>> Region::carry_out(std::vector<Effect> effects) {
    std::vector<vmctl::HostPair> cuts, mends;
    std::vector<Effect> others;
    for (const Effect& effect : effects) {
        if (effect.kind == Effect::Kind::cut)
            cuts.push_back({effect.host, effect.other});
        else if (effect.kind == Effect::Kind::mend)
            mends.push_back({effect.host, effect.other});
        else
            others.push_back(effect);
    }
    if (!cuts.empty())
        if (auto result = fabric_.cut(cuts); result.has_error()) co_return result.error();
    if (!mends.empty())
        if (auto result = fabric_.mend(mends); result.has_error()) co_return result.error();
    // Hosts are independent of each other: a fault of two hosts hits both at the same instant.
    std::vector<asio::awaitable<Result<void>>> jobs;
    for (const Effect& effect : others) jobs.push_back(carry_out_one(effect));
    co_return co_await run_all(executor_, std::move(jobs));
}

asio::awaitable<Result<void>> Region::carry_out_one(Effect effect) {
    auto found = host(effect.host);
    if (found.has_error()) co_return found.error();
    const auto target = *found;
    switch (effect.kind) {
        case Effect::Kind::power_off:
            co_return co_await target->power_off();
        case Effect::Kind::power_on:
            co_return co_await target->power_on();
        case Effect::Kind::reset:
            co_return co_await target->reset();
        case Effect::Kind::pause:
            co_return co_await target->pause();
        case Effect::Kind::resume:
            co_return co_await target->resume();
        case Effect::Kind::kill_unit:
            co_return target->signal_unit(effect.other, SIGKILL);
        case Effect::Kind::stop_unit:
            co_return target->stop_unit(effect.other);
        case Effect::Kind::start_unit:
            co_return target->start_unit(effect.other);
        case Effect::Kind::service_fault:
        case Effect::Kind::service_heal:
            co_return co_await change_service(target, std::move(effect));
        case Effect::Kind::cut:
        case Effect::Kind::mend:
            break;  // carried out together, by carry_out()
    }
    co_return Result<void>();
}

}  // namespace understudy::lab
