// SPDX-License-Identifier: Apache-2.0
// What a region's services are told and say, through their own administration in their hosts.
#include "sim/lab/host_command.hpp"
#include "sim/lab/region.hpp"

namespace understudy::lab {

namespace asio = boost::asio;

asio::awaitable<Result<void>> Region::change_service(std::shared_ptr<Host> host, Effect effect) {
    std::vector<std::string> words;
    if (effect.kind == Effect::Kind::service_heal) {
        // A service that was restarted since has forgotten its faults.
        if (host->link() == nullptr) co_return Result<void>();
        words = {"heal", effect.other};
    } else {
        words = {"fault"};
        words.insert(words.end(), effect.words.begin(), effect.words.end());
        words.push_back("id=" + effect.other);
    }
    auto asked = ask_service(options_.topology, host, std::move(words));
    const auto outcome = co_await std::move(asked);
    if (outcome.has_error()) co_return outcome.error();
    // A service without power may be gone before its answer is.
    const bool no_power = !effect.words.empty() && effect.words.front() == "power-loss";
    if (no_power && outcome->err.find("end of stream") != std::string::npos) co_return Result<void>();
    // Told by the user and after a restart at once: ids are given once.
    if (outcome->err.find("a fault of that id is in force") != std::string::npos) co_return Result<void>();
    if (outcome->status == 0 || outcome->err.find("no such fault is in force") != std::string::npos)
        co_return Result<void>();
    co_return Error(outcome->status == 2 ? ErrorKind::bad_input : ErrorKind::failed, host->plan().name,
                    outcome->err.substr(0, outcome->err.find('\n')));
}

// A service that was started again knows nothing of the faults that are in force.
asio::awaitable<void> Region::keep_service_faults() {
    const std::shared_ptr<EventSubscription> events = hub_.subscribe();
    while (const std::optional<scenario::RegionEvent> event = co_await events->next()) {
        if (event->event.name != "ready" || (event->event.source != "files" && event->event.source != "db"))
            continue;
        std::vector<Effect> effects = ledger_->of_service(event->host);
        if (effects.empty()) continue;
        const auto carried = co_await carry_out(std::move(effects));
        if (carried.has_error())
            hub_.record(event->host, {"lab", "fault_lost", carried.error().message(), {}});
    }
}

asio::awaitable<json::array> Region::states_of(std::function<bool(const std::string&)> wanted) {
    json::array all;
    for (const auto& host : hosts_) {
        const std::string& name = host->plan().name;
        if (!wanted(name)) continue;
        std::vector<std::string> words{"state"};
        auto asked = ask_service(options_.topology, host, std::move(words));
        const auto outcome = co_await std::move(asked);
        json::object entry = state_of(outcome);
        entry["name"] = name;
        all.push_back(std::move(entry));
    }
    co_return all;
}

asio::awaitable<json::array> Region::file_services() {
    return states_of(
        [this](const std::string& name) { return options_.topology.file_services.contains(name); });
}

asio::awaitable<json::array> Region::databases() {
    return states_of([this](const std::string& name) {
        const auto database = options_.topology.databases.find(name);
        return database != options_.topology.databases.end() &&
               database->second.engine == topology::DatabaseEngine::sqlite;
    });
}

}  // namespace understudy::lab
