// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/cli/command.hpp"
#include "sim/lab/control_client.hpp"

namespace understudy::cli {
namespace {

constexpr Duration faults_answer_limit = 30s;

struct FaultOptions {
    std::string region;
    std::string kind;
    std::vector<std::string> words;  // targets and KEY=VALUE
    std::string lasts;
};

Result<int> run_fault(const FaultOptions& options) {
    json::object request{{"command", "fault"}, {"kind", options.kind}};
    json::object settings;
    json::array targets;
    for (const std::string& word : options.words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            targets.emplace_back(word);
            continue;
        }
        const std::string key = word.substr(0, equals);
        const bool of_service = options.kind.starts_with("share-") || options.kind.starts_with("db-");
        if (key == "as" || (!of_service && (key == "to" || key == "unit"))) {
            request[key] = word.substr(equals + 1);
            continue;
        }
        if (!of_service)
            return Error(ErrorKind::bad_input, fmt::format("fault parameter '{}'", key), "is not known")
                .with_remedy("use to=HOST[,HOST…], unit=UNIT or as=NAME");
        settings[key] = word.substr(equals + 1);  // the service knows which it takes
    }
    if (!settings.empty()) request["settings"] = std::move(settings);
    request["targets"] = std::move(targets);
    if (!options.lasts.empty()) {
        UNDERSTUDY_TRY(const auto lasts, parse_duration(options.lasts));
        request["for_ns"] = lasts.count();
    }
    UNDERSTUDY_TRY(const auto region, chosen_region(options.region));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    UNDERSTUDY_TRY(const auto answer, client.request(request, faults_answer_limit));
    const std::string id(answer.at("fault").as_string());
    if (answer.at("heals_itself").as_bool())
        fmt::print("{}: done\n", id);
    else
        fmt::print("{}: in force; undo it with 'understudy heal {}'\n", id, id);
    return 0;
}

Result<int> run_heal(const std::string& region_name, const std::string& id, bool all) {
    if (id.empty() != all)
        return Error(ErrorKind::bad_input, "heal", "needs either a fault's id or --all")
            .with_remedy("'understudy faults' lists them");
    UNDERSTUDY_TRY(const auto region, chosen_region(region_name));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    UNDERSTUDY_TRY(const auto answer,
                   client.request({{"command", "heal"}, {"fault", all ? "all" : id}}, faults_answer_limit));
    for (const auto& healed : answer.at("healed").as_array())
        fmt::print("{}: healed\n", std::string_view(healed.as_string()));
    return 0;
}

Result<int> run_faults(const std::string& region_name, bool as_json) {
    UNDERSTUDY_TRY(const auto region, chosen_region(region_name));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(region));
    UNDERSTUDY_TRY(const auto answer, client.request({{"command", "status"}}, faults_answer_limit));
    const auto& faults = answer.at("status").as_object().at("faults").as_array();
    if (as_json) {
        fmt::print("{}\n", std::string_view(json::serialize(faults)));
        return 0;
    }
    if (faults.empty()) fmt::print("no fault is in force\n");
    for (const auto& entry : faults) {
        const auto& fault = entry.as_object();
        fmt::print("{:<12} {}\n", std::string_view(fault.at("id").as_string()),
                   std::string_view(fault.at("detail").as_string()));
    }
    return 0;
}

}  // namespace

void add_faults(command_line::Command app, Choice& choice) {
    auto fault = std::make_shared<FaultOptions>();
    command_line::Command sub = app.subcommand(
        "fault", "Break something: power-off, reset, pause, kill, stop, partition, a share or a database");
    sub.option(
           "KIND", fault->kind,
           "power-off: a host loses power    reset: it loses power and starts again\n"
           "pause: it stands still           kill: SIGKILL to its node (or unit=UNIT)\n"
           "stop: its node is stopped in order (or unit=UNIT)\n"
           "partition: its traffic with to=HOST[,HOST…] (default: everyone) is dropped\n"
           "share-stall, share-error, share-slow, share-read-only, share-cut-off, share-power-loss:\n"
           "of a file service; path=PATTERN, client=HOST, error=, rate=, seed=, latency=,\n"
           "bytes_per_second=, torn=pages|sectors\n"
           "db-freeze: a database accepts and answers nothing    db-refuse: no new connections\n"
           "db-slow-commits: each commit takes latency=D longer  db-read-only, db-disk-full: writes fail\n"
           "db-clock-step: its clock goes by step=+D or step=-D  db-power-loss: torn=pages|sectors, seed=")
        .required();
    sub.option("TARGET", fault->words,
               "hosts, or 'active' or 'standby'; then KEY=VALUE: to=, unit=, as= and those of services")
        .required();
    sub.option("--for", fault->lasts, "heal it after this time, such as 10s");
    sub.option("--name", fault->region, "the region; needed only when several run");
    sub.when_chosen([fault, &choice] { choice.run = [fault] { return run_fault(*fault); }; });

    struct HealOptions {
        std::string region, id;
        bool all = false;
    };
    auto heal = std::make_shared<HealOptions>();
    sub = app.subcommand("heal", "Undo a fault: exactly what it did");
    sub.option("FAULT", heal->id, "its id");
    sub.flag("--all", heal->all, "every fault in force");
    sub.option("--name", heal->region, "the region; needed only when several run");
    sub.when_chosen(
        [heal, &choice] { choice.run = [heal] { return run_heal(heal->region, heal->id, heal->all); }; });

    struct ListOptions {
        std::string region;
        bool as_json = false;
    };
    auto list = std::make_shared<ListOptions>();
    sub = app.subcommand("faults", "List the faults in force");
    sub.flag("--json", list->as_json, "one JSON document");
    sub.option("--name", list->region, "the region; needed only when several run");
    sub.when_chosen(
        [list, &choice] { choice.run = [list] { return run_faults(list->region, list->as_json); }; });
}

}  // namespace understudy::cli
