// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <vector>

#include "base/assert.hpp"
#include "lb/core/load_balancer_machine.hpp"

namespace understudy::lb {
namespace {

struct Names {
    std::vector<std::string> hosts, probes, rules;

    static std::size_t find(const std::vector<std::string>& in, const std::string& name) {
        const auto found = std::find(in.begin(), in.end(), name);
        UNDERSTUDY_ASSERT(found != in.end(), name.c_str());
        return static_cast<std::size_t>(found - in.begin());
    }
};

class Run {
  public:
    std::string run(const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("  ->")) continue;
            out_ += line + "\n";
            if (!line.empty() && line.front() != '#') command(line);
        }
        return out_;
    }

  private:
    void command(const std::string& line) {
        std::istringstream in(line);
        std::string word;
        in >> word;
        if (word == "hosts") {
            while (in >> word) names_.hosts.push_back(word);
        } else if (word == "probe") {
            std::string name, key, interval, timeout;
            int threshold = 0;
            in >> name >> key >> interval >> key >> timeout >> key >> threshold;
            names_.probes.push_back(name);
            settings_.probes.push_back({*parse_duration(interval), *parse_duration(timeout), threshold});
        } else if (word == "rule") {
            std::string name, key, probe;
            in >> name >> key >> probe;
            names_.rules.push_back(name);
            settings_.rules.push_back({name, Names::find(names_.probes, probe)});
        } else if (word == "until") {
            in >> word;
            run_until(*parse_duration(word));
        } else if (word == "at") {
            result(in);
        } else if (word == "route") {
            route(in);
        } else {
            UNDERSTUDY_ASSERT(false, line.c_str());
        }
    }

    LoadBalancerMachine& machine() {
        settings_.hosts = names_.hosts;
        if (machine_ == nullptr) machine_ = std::make_unique<LoadBalancerMachine>(settings_, Instant{});
        return *machine_;
    }

    void run_until(Duration end) {
        while (const auto deadline = machine().next_deadline()) {
            if (deadline->when > Instant(end)) break;
            machine().on_timeout(deadline->when);
            show(deadline->when.time_since_epoch());
        }
    }

    void result(std::istringstream& in) {
        std::string when, target, outcome;
        in >> when >> target;
        std::getline(in >> std::ws, outcome);
        run_until(*parse_duration(when));
        const auto slash = target.find('/');
        ProbeFinished finished{Names::find(names_.hosts, target.substr(0, slash)),
                               Names::find(names_.probes, target.substr(slash + 1)),
                               {outcome.starts_with("ok"), 300us, "connect " + outcome}};
        const Duration now = *parse_duration(when);
        machine().handle(finished, Instant(now));
        show(now);
    }

    void route(std::istringstream& in) {
        std::string client, rule, word;
        in >> client >> rule >> word;
        std::vector<std::size_t> tried;
        while (in >> word) tried.push_back(Names::find(names_.hosts, word));
        const auto backend =
            machine().route(Names::find(names_.rules, rule),
                            {*parse_endpoint(client), {*parse_address("203.0.113.10"), 10010}}, tried);
        out_ += fmt::format("  -> {}\n", backend ? names_.hosts[*backend] : "no healthy backend");
    }

    void show(Duration now) {
        for (const MachineAction& action : machine().take_actions())
            out_ += fmt::format("  -> {} {}\n", format_duration(now),
                                std::visit([this](const auto& a) { return words(a); }, action));
    }
    std::string words(const StartProbe& action) {
        return fmt::format("start {}/{} limit {}", names_.hosts[action.backend], names_.probes[action.probe],
                           format_duration(action.time_limit));
    }
    std::string words(const ProbeReport& action) {
        return fmt::format("{}/{} {} {}: {}", names_.hosts[action.backend], names_.probes[action.probe],
                           to_string(action.verdict.change), to_string(action.verdict.health),
                           action.verdict.reason);
    }
    std::string words(const NoHealthyBackend& action) {
        return fmt::format("rule {} has no healthy backend: {}", names_.rules[action.rule], action.reason);
    }
    std::string words(const HealthyBackendAgain& action) {
        return fmt::format("rule {} has a healthy backend again: {}", names_.rules[action.rule],
                           names_.hosts[action.backend]);
    }

    Names names_;
    MachineSettings settings_;
    std::unique_ptr<LoadBalancerMachine> machine_;
    std::string out_;
};

}  // namespace

std::string run_trace(const std::string& text) {
    return Run().run(text);
}

}  // namespace understudy::lb
