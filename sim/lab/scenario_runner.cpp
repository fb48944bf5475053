// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/scenario_runner.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/io/clock.hpp"
#include "base/io/interrupt.hpp"
#include "sim/lab/lifecycle.hpp"
#include "sim/lab/measured_start.hpp"
#include "sim/lab/region_directory.hpp"
#include "sim/lab/remote.hpp"
#include "sim/lab/unit_configs.hpp"
#include "sim/scenario/bound.hpp"
#include "sim/scenario/core/scenario_machine.hpp"
#include "sim/scenario/core/slowness.hpp"
#include "sim/scenario/core/verdict.hpp"
#include "sim/topology/queries.hpp"

namespace understudy::lab {
namespace {

using Listener = std::function<void(const std::string&)>;

// A client pays off what is outstanding before it ends: its drain limit is 5 s, and its host needs a moment.
constexpr Duration client_end_limit = 20s;
constexpr Duration longest_wait = 200ms;

class Runner {
  public:
    Runner(const ScenarioRunOptions& options, const scenario::Scenario& scenario, RemoteRegion region,
           const Listener& progress)
        : options_(options),
          scenario_(scenario),
          region_(std::move(region)),
          progress_(progress),
          hosts_(topology::high_availability_hosts(options.topology)) {}

    Result<report::ScenarioRun> run() {
        UNDERSTUDY_CHECK(read_history());
        scenario::RegionView view(hosts_);
        for (const auto& event : run_.events) view.handle(event);
        scenario::ScenarioMachine machine(
            scenario_, std::move(view),
            [this](const std::optional<scenario::Fault>& fault) { return bound_of(fault); },
            region_.region_time());
        UNDERSTUDY_CHECK(drive(machine));
        run_.failures = machine.failures();
        UNDERSTUDY_CHECK(settle());
        for (const auto& judged :
             {scenario::judge_payments(scenario_.always, run_.payments),
              scenario::judge_messages(scenario_.always, run_.messages.value_or(scenario::MessageCounts{}))})
            run_.failures.insert(run_.failures.end(), judged.begin(), judged.end());
        run_.name = scenario_.name;
        run_.passed = run_.failures.empty();
        run_.lost_to_slowness = scenario::leases_lost_to_slowness(run_.events, hosts_);
        const auto outage = report::longest_outage(run_.events);
        run_.bound =
            scenario::worst_case_outage(scenario_, options_.topology, measure_start(run_.events, hosts_)) *
            (outage ? failovers(run_.lost_to_slowness, outage->from, outage->to) : 1);
        if (!run_.events.empty()) run_.duration = run_.events.back().at - run_.events.front().at;
        return std::move(run_);
    }

  private:
    Duration bound_of(const std::optional<scenario::Fault>& fault) const {
        const auto measured = measure_start(run_.events, hosts_);
        if (!fault) return scenario::worst_case_outage(scenario_, options_.topology, measured);
        Duration applied{};
        for (const auto& told : run_.events)
            if (is(told.event, "lab", "fault_applied")) applied = told.at;
        return topology::worst_case_outage(options_.topology, measured,
                                           scenario::causes(*fault, options_.topology)) *
               failovers(scenario::leases_lost_to_slowness(run_.events, hosts_), applied,
                         region_.region_time());
    }

    // The one that a fault asks for, and one for each lease that the machine's slowness cost meanwhile.
    static std::int64_t failovers(const std::vector<scenario::LostLease>& lost, Duration from, Duration to) {
        return 1 + std::count_if(lost.begin(), lost.end(), [&](const scenario::LostLease& each) {
                   return each.at > from && each.at <= to;
               });
    }

    // What happened while the region came up: up to now.
    Result<void> read_history() {
        const Duration now = region_.region_time();
        while (true) {
            UNDERSTUDY_TRY(auto event, region_.next_event(longest_wait));
            if (!event) return {};
            run_.events.push_back(std::move(*event));
            if (run_.events.back().at >= now) return {};
        }
    }

    Result<void> drive(scenario::ScenarioMachine& machine) {
        while (!machine.finished()) {
            for (const auto& action : machine.take_actions()) carry_out(machine, action);
            if (machine.finished()) break;
            if (io::interrupted()) machine.abandon("interrupted", region_.region_time());
            const auto deadline = machine.next_deadline();
            Duration wait = longest_wait;
            if (deadline) wait = std::clamp(*deadline - region_.region_time(), Duration(0), longest_wait);
            UNDERSTUDY_TRY(auto event, region_.next_event(wait));
            if (event) {
                run_.events.push_back(*event);
                machine.handle(*event);
            }
            if (deadline && region_.region_time() >= *deadline) machine.on_timeout(region_.region_time());
        }
        for (const auto& action : machine.take_actions()) carry_out(machine, action);
        return {};
    }

    void carry_out(scenario::ScenarioMachine& machine, const scenario::ScenarioAction& action) {
        if (const auto* apply = std::get_if<scenario::ApplyFault>(&action)) {
            const auto done = region_.apply(apply->fault);
            if (done.has_value())
                machine.fault_applied(apply->fault.id, region_.region_time());
            else
                machine.fault_refused(apply->fault.id, done.error().message(), region_.region_time());
        } else if (const auto* heal = std::get_if<scenario::HealFault>(&action)) {
            const auto done = region_.heal(heal->id);
            if (done.has_value())
                machine.fault_healed(heal->id, region_.region_time());
            else
                machine.fault_refused(heal->id, done.error().message(), region_.region_time());
        } else if (const auto* said = std::get_if<scenario::Progress>(&action)) {
            progress_(said->text);
        }
    }

    // Heals all, ends the clients in order and compares their records with both parties' databases.
    Result<void> settle() {
        UNDERSTUDY_CHECK(region_.heal(""));
        for (const auto& [name, client] : options_.topology.clients)
            UNDERSTUDY_CHECK(region_.stop_unit(name, "client"));
        std::size_t running = options_.topology.clients.size();
        const Instant end = io::monotonic_now() + client_end_limit;
        while (running > 0 && io::monotonic_now() < end) {
            UNDERSTUDY_TRY(auto event, region_.next_event(longest_wait));
            if (!event) continue;
            const bool ended =
                event->event.name == "unit_exited" && string_attribute(event->event, "unit") == "client";
            if (ended) --running;
            run_.events.push_back(std::move(*event));
        }
        for (const auto& [name, client] : options_.topology.clients)
            if (client.program.empty()) UNDERSTUDY_CHECK(compare_books(name, client));
        count_messages();
        return {};
    }

    void count_messages() {
        if (std::all_of(options_.topology.clients.begin(), options_.topology.clients.end(),
                        [](const auto& entry) { return entry.second.program.empty(); }))
            return;
        scenario::MessageBook book;
        for (const auto& event : run_.events) book.handle(event);
        run_.messages = book.counts();
    }

    Result<void> compare_books(const std::string& name, const topology::Client& client) {
        std::ifstream file(RegionDirectory(options_.region_name).data(name) / "attempts.jsonl");
        std::ostringstream text;
        text << file.rdbuf();
        UNDERSTUDY_TRY(const auto record, node::client_record_from_lines(text.str()));
        UNDERSTUDY_TRY(const auto payer,
                       region_.audit(database_host(options_.topology, client.calls), client.calls));
        UNDERSTUDY_TRY(const auto payee,
                       region_.audit(database_host(options_.topology, client.pays), client.pays));
        const auto verdict = node::compare(record, payer, payee);
        run_.payments.acknowledged += verdict.acknowledged;
        run_.payments.lost += static_cast<std::int64_t>(verdict.lost.size());
        run_.payments.duplicated += static_cast<std::int64_t>(verdict.duplicated.size());
        return {};
    }

    const ScenarioRunOptions& options_;
    const scenario::Scenario& scenario_;
    RemoteRegion region_;
    const Listener& progress_;
    std::vector<std::string> hosts_;
    report::ScenarioRun run_;
};

Result<ScenarioOutcome> run_in(const ScenarioRunOptions& options, const scenario::Scenario& scenario,
                               const Listener& progress) {
    UNDERSTUDY_TRY(auto region, RemoteRegion::connect(options.region_name));
    UNDERSTUDY_TRY(auto accelerator, region.accelerator());
    UNDERSTUDY_TRY(auto run, Runner(options, scenario, std::move(region), progress).run());
    return ScenarioOutcome{std::move(run), std::move(accelerator)};
}

}  // namespace

Result<ScenarioOutcome> run_scenario(const ScenarioRunOptions& options, const scenario::Scenario& scenario,
                                     const Listener& progress) {
    std::string last;
    const auto coming_up = [&](const std::string& line, const json::object*) {
        if (line != last) progress(line);
        last = line;
    };
    UNDERSTUDY_CHECK(
        bring_up({options.topology, options.region_name, options.world, options.timeout}, coming_up));
    auto outcome = run_in(options, scenario, progress);
    const auto down = take_down(options.region_name);
    if (outcome.has_value() && down.has_error()) outcome->run.failures.push_back(down.error().message());
    return outcome;
}

}  // namespace understudy::lab
