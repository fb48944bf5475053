// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/commands.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/lab/exec_session.hpp"
#include "sim/lab/explain.hpp"

namespace understudy::lab {
namespace {

namespace asio = boost::asio;

bool flag_of(const json::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

// A list of words, or one string of words with commas between.
std::vector<std::string> words_of(const json::object& object, const char* name) {
    std::vector<std::string> words;
    const auto* value = object.if_contains(name);
    if (value == nullptr) return words;
    if (value->is_array())
        for (const auto& element : value->get_array())
            if (element.is_string()) words.emplace_back(element.get_string());
    if (!value->is_string()) return words;
    const std::string text(value->get_string());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        words.push_back(text.substr(at, comma - at));
        at = comma + 1;
    }
    return words;
}

}  // namespace

ControlHandler Commands::handler() {
    return [this](Connection connection, json::object request) {
        return dispatch(std::move(connection), std::move(request));
    };
}

asio::awaitable<void> Commands::dispatch(Connection connection, json::object request) {
    const std::string command = text_of(request, "command");
    json::object answer;
    if (command == "status") {
        json::object status = region_.status(flag_of(request, "memory"));
        if (flag_of(request, "files")) {
            auto files = region_.file_services();
            status["file_services"] = co_await std::move(files);
            auto databases = region_.databases();
            status["databases"] = co_await std::move(databases);
        }
        answer = {{"ok", true}, {"status", std::move(status)}};
    } else if (command == "events") {
        co_await events(std::move(connection), std::move(request));
        co_return;
    } else if (command == "fault") {
        answer = co_await fault(std::move(request));
    } else if (command == "heal") {
        answer = co_await heal(std::move(request));
    } else if (command == "explain") {
        auto facts = facts_of_backend(options_.topology, region_.status(), text_of(request, "balancer"),
                                      text_of(request, "backend"));
        answer = facts.has_error() ? to_json(facts.error())
                                   : json::object{{"ok", true}, {"facts", std::move(*facts)}};
    } else if (command == "unit") {
        answer = unit(request);
    } else if (command == "exec") {
        co_await run_exec(region_, std::move(connection), std::move(request));
        co_return;
    } else if (command == "down") {
        co_await down(std::move(connection));
        co_return;
    } else {
        answer = to_json(Error(ErrorKind::bad_input, fmt::format("command '{}'", command), "is not known"));
    }
    co_await connection->write(std::move(answer));
}

// {"follow": bool}: every event so far, each on a line, then {"end": true}, or, following, each as it
// happens.
asio::awaitable<void> Commands::events(Connection connection, json::object request) {
    const bool follow = flag_of(request, "follow");
    const auto subscription = follow ? hub_.subscribe() : nullptr;
    auto so_far = hub_.all();
    if (so_far.has_error()) {
        co_await connection->write(to_json(so_far.error()));
        co_return;
    }
    json::object accepted{{"ok", true}};
    if (!co_await connection->write(std::move(accepted))) co_return;
    for (const auto& event : *so_far)
        if (!co_await connection->write(event_line(event))) co_return;
    while (follow) {
        auto event = co_await subscription->next();
        if (!event) break;
        if (!co_await connection->write(event_line(*event))) co_return;
    }
    json::object last{{"end", true}};
    co_await connection->write(std::move(last));
}

// {"kind", "targets": […], "to": […] or "a,b", "unit", "as", "for_ns", "settings": {KEY: VALUE} of a service}
asio::awaitable<json::object> Commands::fault(json::object request) {
    const auto kind = parse_fault_kind(text_of(request, "kind"));
    if (kind.has_error()) co_return to_json(kind.error());
    FaultRequest fault;
    fault.kind = *kind;
    fault.targets = words_of(request, "targets");
    fault.others = words_of(request, "to");
    fault.unit = text_of(request, "unit", "node");
    fault.name = text_of(request, "as");
    if (const auto* settings = request.if_contains("settings"); settings != nullptr && settings->is_object())
        for (const auto& [key, value] : settings->get_object())
            if (value.is_string()) fault.settings[key] = value.get_string();
    if (const auto* lasts = request.if_contains("for_ns"); lasts != nullptr && lasts->is_int64())
        fault.lasts = Duration(lasts->get_int64());
    const auto applied = co_await region_.apply(std::move(fault));
    if (applied.has_error()) co_return to_json(applied.error());
    co_return json::object{{"ok", true}, {"fault", applied->id}, {"heals_itself", applied->heals_itself}};
}

// {"fault": id or "all"}
asio::awaitable<json::object> Commands::heal(json::object request) {
    const auto healed = co_await region_.heal(text_of(request, "fault"));
    if (healed.has_error()) co_return to_json(healed.error());
    json::array ids;
    for (const std::string& id : *healed) ids.emplace_back(id);
    co_return json::object{{"ok", true}, {"healed", std::move(ids)}};
}

// {"host", "unit", "action": "start" | "stop"}: the administrator's hand, no fault.
json::object Commands::unit(const json::object& request) {
    const auto host = region_.host(text_of(request, "host"));
    if (host.has_error()) return to_json(host.error());
    const std::string unit = text_of(request, "unit");
    const auto done =
        text_of(request, "action") == "start" ? (*host)->start_unit(unit) : (*host)->stop_unit(unit);
    return done.has_error() ? to_json(done.error()) : json::object{{"ok", true}};
}

asio::awaitable<void> Commands::down(Connection connection) {
    co_await region_.shut_down();
    hub_.end_subscriptions();
    json::object done{{"ok", true}};
    co_await connection->write(std::move(done));
    stop_();
}

json::object event_line(const scenario::RegionEvent& event) {
    json::object line = json::parse(to_json_line(event.event)).as_object();
    line["t_ms"] = to_milliseconds(event.at);
    line["t_ns"] = event.at.count();
    line["host"] = event.host;
    return line;
}

Result<scenario::RegionEvent> event_from_line(const json::object& line) {
    UNDERSTUDY_TRY(auto event, event_from_json_line(std::string_view(json::serialize(line))));
    const auto* time = line.if_contains("t_ns");
    if (time == nullptr || !time->is_int64()) return Error(ErrorKind::failed, "event", "has no time");
    return scenario::RegionEvent{Duration(time->get_int64()), text_of(line, "host"), std::move(event)};
}

}  // namespace understudy::lab
