// SPDX-License-Identifier: Apache-2.0
#include <fmt/color.h>
#include <fmt/format.h>

#include "base/json_text.hpp"
#include "sim/cli/command.hpp"
#include "sim/lab/control_client.hpp"

namespace understudy::cli {
namespace {

void print_event(const json::object& event, bool as_json) {
    if (as_json) {
        fmt::print("{}\n", std::string_view(json::serialize(event)));
        return;
    }
    const auto* time = event.if_contains("t_ms");
    fmt::print("{:>10.3f} s  {:<16} {:<12} {:<20} {}\n",
               time != nullptr ? time->to_number<double>() / 1000 : 0.0, text_of(event, "host"),
               text_of(event, "source"), text_of(event, "event"), text_of(event, "detail"));
}

struct EventsOptions {
    std::string name;
    std::string host;
    std::string source;
    bool as_json = false;
    bool follow = false;
};

Result<int> run_events(const EventsOptions& options) {
    UNDERSTUDY_TRY(const auto name, chosen_region(options.name));
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(name));
    UNDERSTUDY_TRY(const auto answer,
                   client.request({{"command", "events"}, {"follow", options.follow}}, 10s));
    while (true) {
        auto line = client.next_line(options.follow ? Duration(1h) : Duration(30s));
        if (line.has_error()) {
            if (options.follow) return 0;  // the region ended, and so does its stream
            return line.error();
        }
        if (!*line) continue;
        if ((*line)->contains("end")) return 0;
        if (!options.host.empty() && text_of(**line, "host") != options.host) continue;
        if (!options.source.empty() && text_of(**line, "source") != options.source) continue;
        print_event(**line, options.as_json);
        if (std::fflush(stdout) != 0) return 0;
    }
}

}  // namespace

void add_events(command_line::Command app, Choice& choice) {
    auto options = std::make_shared<EventsOptions>();
    command_line::Command sub = app.subcommand("events", "Print what happened in a region, in order");
    sub.option("--name", options->name, "the region; needed only when several run");
    sub.option("--host", options->host, "only events of this host");
    sub.option("--source", options->source,
               "only events of this component: lb, node, client, files, mount, agent, lab …");
    sub.flag("--json", options->as_json, "one JSON object a line");
    sub.flag("--follow,-f", options->follow, "go on until the region ends");
    sub.when_chosen([options, &choice] { choice.run = [options] { return run_events(*options); }; });
}

}  // namespace understudy::cli
