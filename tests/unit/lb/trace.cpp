// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "lb/core/load_balancer_machine.hpp"
#include "tests/support/golden_traces.hpp"

namespace understudy::lb {
namespace {

// "a b c": each word of the rest of the line.
std::vector<std::string> words_of(std::istream& in) {
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

template <typename Named>
std::size_t find(const std::vector<Named>& in, const std::string& name, std::string Named::*member) {
    const auto found =
        std::find_if(in.begin(), in.end(), [&](const Named& held) { return held.*member == name; });
    UNDERSTUDY_ASSERT(found != in.end(), name.c_str());
    return static_cast<std::size_t>(found - in.begin());
}

class Run {
  public:
    std::string run(const std::string& text) {
        test::replay_trace(text, out_, [this](const std::string& line) { command(line); });
        return out_;
    }

  private:
    void command(const std::string& line) {
        std::istringstream in(line);
        std::string word;
        in >> word;
        if (setting(word, in)) return;
        if (word == "until") {
            in >> word;
            run_until(*parse_duration(word));
        } else if (word == "at") {
            event(in);
        } else if (word == "route") {
            route(in);
        } else {
            UNDERSTUDY_ASSERT(false, line.c_str());
        }
    }

    bool setting(const std::string& keyword, std::istringstream& in) {
        if (keyword == "hosts") {
            std::uint32_t address = 0xc000020b;  // 192.0.2.11
            for (const std::string& host : words_of(in)) {
                if (host == "disabled")
                    settings_.backends.back().enabled = false;
                else
                    settings_.backends.push_back({host, Ipv4Address{address++}, true});
            }
        } else if (keyword == "probe") {
            settings_.probes.push_back(probe(words_of(in)));
        } else if (keyword == "rule") {
            settings_.rules.push_back(rule(words_of(in)));
        } else if (keyword == "policy") {
            for (const std::string& word : words_of(in)) {
                if (word == "end_on_backend_down")
                    settings_.end_on_backend_down = true;
                else if (word == "end_when_all_down")
                    settings_.end_when_all_down = true;
                else
                    settings_.drain_timeout = *parse_duration(word);
            }
        } else {
            return false;
        }
        return true;
    }

    static MachineSettings::Probe probe(const std::vector<std::string>& words) {
        MachineSettings::Probe made{words.at(0), "tcp " + words[0], {}, NoHealthyBackends::all_down};
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (words[i] == "probe_threshold")
                made.timing.mode = ThresholdMode::probe_threshold;
            else if (words[i] == "all_up")
                made.no_healthy_backends = NoHealthyBackends::all_up;
            else if (words[i] == "interval")
                made.timing.interval = *parse_duration(words.at(++i));
            else if (words[i] == "timeout")
                made.timing.time_limit = *parse_duration(words.at(++i));
            else if (words[i] == "threshold")
                made.timing.threshold = std::stoi(words.at(++i));
            else if (words[i] == "target")
                made.target = words.at(++i);
            else
                UNDERSTUDY_ASSERT(false, words[i].c_str());
        }
        return made;
    }

    MachineSettings::Rule rule(const std::vector<std::string>& words) {
        UNDERSTUDY_ASSERT(words.size() >= 3 && words[1] == "probe", words.at(0).c_str());
        MachineSettings::Rule made{words[0], find(settings_.probes, words[2], &MachineSettings::Probe::name),
                                   Distribution::five_tuple, false};
        for (std::size_t i = 3; i < words.size(); ++i) {
            if (words[i] == "udp")
                made.udp = true;
            else if (words[i] == "source_ip")
                made.distribution = Distribution::source_ip;
            else if (words[i] == "source_ip_protocol")
                made.distribution = Distribution::source_ip_protocol;
            else
                UNDERSTUDY_ASSERT(false, words[i].c_str());
        }
        return made;
    }

    // Settings are collected until the first command, and anew from there until `reload`.
    LoadBalancerMachine& machine() {
        if (machine_ == nullptr)
            machine_ = std::make_unique<LoadBalancerMachine>(std::exchange(settings_, {}), Instant{});
        return *machine_;
    }
    std::size_t host(const std::string& name) {
        return find(machine().settings().backends, name, &MachineSettings::Backend::host);
    }
    const std::string& host(std::size_t backend) { return machine().settings().backends[backend].host; }
    const std::string& probe_name(std::size_t probe) { return machine().settings().probes[probe].name; }
    const std::string& rule_name(std::size_t rule) { return machine().settings().rules[rule].name; }

    void run_until(Duration end) {
        while (const auto deadline = machine().next_deadline()) {
            if (deadline->when > Instant(end)) break;
            machine().on_timeout(deadline->when);
            show(deadline->when.time_since_epoch());
        }
    }

    void event(std::istringstream& in) {
        std::string when, what, rest;
        in >> when >> what;
        const Duration now = *parse_duration(when);
        run_until(now);
        if (what == "reload") {
            machine_ = std::make_unique<LoadBalancerMachine>(
                machine().reloaded(std::exchange(settings_, {}), Instant(now)));
            out_ += fmt::format("  -> {} {}\n", format_duration(now), words(machine().table()));
        } else {
            handle(what, words_of(in), Instant(now));
        }
        show(now);
    }

    void handle(const std::string& what, const std::vector<std::string>& rest, Instant now) {
        if (const auto slash = what.find('/'); slash != std::string::npos) {
            const auto run = running_.find(what);
            UNDERSTUDY_ASSERT(run != running_.end(), what.c_str());
            const bool ok = rest.at(0) == "ok";
            const bool hard = rest[0] == "refused" || rest[0] == "reset" || rest[0] == "503";
            const ProbeResult result{ok, 1ms, fmt::format("connect {}", fmt::join(rest, " ")), hard};
            const ProbeFinished finished{run->second, result};
            running_.erase(run);
            return machine().handle(finished, now);
        }
        const std::size_t backend = host(rest.at(0));
        if (what == "stop") return machine().handle(BackendStopped{backend, "its machine was stopped"}, now);
        if (what == "start") return machine().handle(BackendStarted{backend, "its machine runs"}, now);
        if (what == "enable") return machine().handle(BackendEnable{backend}, now);
        if (what == "disable") return machine().handle(BackendDisable{backend}, now);
        if (what == "drain") return machine().handle(BackendDrain{backend}, now);
        UNDERSTUDY_ASSERT(what == "flows", what.c_str());
        machine().handle(FlowsLeft{backend, std::stoull(rest.at(1))}, now);
    }

    void route(std::istringstream& in) {
        std::string client, rule, word;
        in >> client >> rule >> word;  // "not"
        std::vector<std::size_t> tried;
        for (const std::string& name : words_of(in)) tried.push_back(host(name));
        const FlowKey flow{*parse_endpoint(client), {*parse_address("203.0.113.10"), 10010}};
        const auto backend = machine().route(
            find(machine().settings().rules, rule, &MachineSettings::Rule::name), flow, tried);
        out_ += fmt::format("  -> {}\n", backend ? host(*backend) : "no healthy backend");
    }

    void show(Duration now) {
        for (const MachineAction& action : machine().take_actions())
            out_ += fmt::format("  -> {} {}\n", format_duration(now),
                                std::visit([this](const auto& a) { return words(a); }, action));
    }
    std::string words(const RoutingTable& table) {
        std::string text = "new flows";
        for (std::size_t rule = 0; rule < table.rules.size(); ++rule) {
            text += fmt::format("{} {} to", rule == 0 ? "" : ",", rule_name(rule));
            for (const std::size_t backend : table.rules[rule].eligible) text += " " + host(backend);
            if (table.rules[rule].eligible.empty()) text += " nobody";
        }
        return text;
    }
    std::string words(const StartProbe& action) {
        const std::string name = fmt::format("{}/{}", host(action.backend), probe_name(action.probe));
        running_.insert_or_assign(name, action.run);
        return fmt::format("start {} limit {}", name, format_duration(action.time_limit));
    }
    std::string words(const ProbeReport& action) {
        return fmt::format("{}/{} {} {}: {}", host(action.backend), probe_name(action.probe),
                           to_string(action.verdict.change), to_string(action.verdict.health),
                           action.verdict.reason);
    }
    std::string words(const NoHealthyBackend& action) {
        return fmt::format("rule {} has no healthy backend{}: {}", rule_name(action.rule),
                           action.falls_back ? ", new flows go to those that are down" : "", action.reason);
    }
    std::string words(const HealthyBackendAgain& action) {
        return fmt::format("rule {} has a healthy backend again: {}", rule_name(action.rule),
                           host(action.backend));
    }
    std::string words(const BackendChanged& action) {
        return fmt::format("{} {}: {}", host(action.backend), to_string(action.change), action.reason);
    }
    std::string words(const CountFlows& action) {
        return fmt::format("how many flows has {}?", host(action.backend));
    }
    std::string words(const EndEstablished& action) {
        return fmt::format("end flows of {} on {}: {}", rule_name(action.rule), host(action.backend),
                           action.reason);
    }

    MachineSettings settings_;
    std::unique_ptr<LoadBalancerMachine> machine_;
    std::map<std::string, std::uint64_t> running_;  // by "host/probe"
    std::string out_;
};

}  // namespace

std::string run_trace(const std::string& text) {
    return Run().run(text);
}

}  // namespace understudy::lb
