// SPDX-License-Identifier: Apache-2.0
// explain: why a balancer's backend is up or down, from the balancer itself, the security group and the
// hosts.
#include <fmt/format.h>

#include "base/io/clock.hpp"
#include "base/json_text.hpp"
#include "sim/cli/command.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/lab/core/explanation.hpp"
#include "sim/lab/unit_configs.hpp"

namespace understudy::cli {
namespace {

constexpr Duration answer_limit = 10s;
constexpr std::size_t shown_results = 3;  // of each probe's last ten

struct ExplainOptions {
    std::string region;
    std::string target;
    bool as_json = false;
};

// What a program in a host writes to its standard output; empty when it fails or takes too long.
Result<std::string> output_of(const std::string& region, const std::string& host, json::array argv) {
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    UNDERSTUDY_CHECK(
        client.request({{"command", "exec"}, {"host", host}, {"argv", std::move(argv)}}, answer_limit));
    const Instant end = io::monotonic_now() + answer_limit;
    std::string output;
    while (io::monotonic_now() < end) {
        UNDERSTUDY_TRY(const auto line, client.next_line(1s));
        if (!line) continue;
        if (const auto* status = line->if_contains("exit"); status != nullptr)
            return status->as_int64() == 0 ? output : std::string();
        if (line->contains("ok")) return lab::error_from_json(*line);
        if (line->contains("stderr") || !line->contains("data")) continue;
        UNDERSTUDY_TRY(const auto bytes, lab::base64_decode(text_of(*line, "data")));
        output += bytes;
    }
    return std::string();
}

// What the balancer itself says of the backend; nothing when it doesn't answer.
json::object said_by_balancer(const std::string& region, const std::string& balancer,
                              const std::string& backend) {
    const auto output = output_of(region, balancer,
                                  {json::value(fmt::format("{}/understudy-lb", lab::inside::programs)),
                                   "admin", "--socket", lab::inside::balancer_socket, "state"});
    if (output.has_error()) return {};
    boost::system::error_code failure;
    const json::value state = json::parse(*output, failure);
    if (failure || !state.is_object()) return {};
    for (const json::value& each : state.at("backends").as_array())
        if (text_of(each.as_object(), "host") == backend) return each.as_object();
    return {};
}

lab::BackendFacts facts_from(const json::object& known, const json::object& said) {
    lab::BackendFacts facts;
    facts.balancer_host_state = text_of(known, "balancer_host_state");
    facts.backend_host_state = text_of(known, "backend_host_state");
    facts.role = text_of(known, "role");
    facts.probe_source = text_of(known, "probe_source");
    facts.state = text_of(said, "state");
    facts.reason = text_of(said, "reason");
    for (const json::value& each : known.at("faults").as_array())
        facts.faults.push_back({text_of(each.as_object(), "id"), text_of(each.as_object(), "detail")});
    for (const json::value& each : known.at("probes").as_array()) {
        const json::object& probe = each.as_object();
        lab::ProbeFacts made;
        made.name = text_of(probe, "name");
        made.target = text_of(probe, "target");
        made.allowed = probe.at("allowed").as_bool();
        made.group = text_of(probe, "group");
        made.rule = text_of(probe, "rule");
        made.priority = static_cast<int>(probe.at("priority").as_int64());
        if (const auto* seen = said.if_contains("probes"); seen != nullptr)
            for (const json::value& other : seen->as_array()) {
                if (text_of(other.as_object(), "probe") != made.name) continue;
                made.health = text_of(other.as_object(), "health");
                const json::array& past = other.as_object().at("past").as_array();
                for (std::size_t i = past.size() > shown_results ? past.size() - shown_results : 0;
                     i < past.size(); ++i)
                    made.past.push_back(text_of(past[i].as_object(), "text"));
                if (!made.past.empty()) made.reason = made.past.back();
            }
        facts.probes.push_back(std::move(made));
    }
    return facts;
}

Result<int> run_explain(const ExplainOptions& options) {
    const std::size_t slash = options.target.find('/');
    if (slash == std::string::npos)
        return Error(ErrorKind::bad_input, options.target, "is not a backend of a load balancer")
            .with_remedy("write it like corda-lb/corda-primary");
    const std::string balancer = options.target.substr(0, slash);
    const std::string backend = options.target.substr(slash + 1);
    UNDERSTUDY_TRY(const auto region, chosen_region(options.region));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    UNDERSTUDY_TRY(
        const auto answer,
        client.request({{"command", "explain"}, {"balancer", balancer}, {"backend", backend}}, answer_limit));
    const json::object said = said_by_balancer(region, balancer, backend);
    lab::BackendFacts facts = facts_from(answer.at("facts").as_object(), said);
    facts.balancer = balancer;
    facts.backend = backend;
    const auto explanation = lab::explain(facts);
    if (options.as_json)
        fmt::print("{}\n",
                   std::string_view(json::serialize(json::object{{"verdict", explanation.verdict},
                                                                 {"fix", explanation.fix},
                                                                 {"facts", answer.at("facts").as_object()},
                                                                 {"balancer", said}})));
    else
        fmt::print("{}", lab::explanation_text(facts, explanation));
    return 0;
}

}  // namespace

void add_explain(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<ExplainOptions>();
    command_line::Command sub = app.subcommand(
        "explain", "Why a backend of a load balancer takes flows or not, and the one thing to fix");
    sub.option("target", options->target, "LOAD_BALANCER/BACKEND, as corda-lb/corda-primary").required();
    sub.option("--name", options->region, "the region; needed only when several run");
    sub.flag("--json", options->as_json, "one JSON document");
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_explain(*options); }; });
}

}  // namespace understudy::cli
