// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/remote.hpp"

#include <fmt/format.h>

#include "base/io/clock.hpp"
#include "sim/lab/commands.hpp"
#include "sim/lab/plan.hpp"

namespace understudy::lab {
namespace {

constexpr Duration answer_limit = 60s;

json::array words(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) array.emplace_back(text);
    return array;
}

}  // namespace

Result<RemoteRegion> RemoteRegion::connect(const std::string& name) {
    UNDERSTUDY_TRY(auto events, ControlClient::connect(name));
    UNDERSTUDY_TRY(auto requests, ControlClient::connect(name));
    RemoteRegion region(name, std::move(events), std::move(requests));
    UNDERSTUDY_TRY(const auto status, region.requests_.request({{"command", "status"}}, answer_limit));
    const auto uptime =
        std::chrono::milliseconds(status.at("status").as_object().at("uptime_ms").to_number<std::int64_t>());
    region.region_start_ = io::monotonic_now() - uptime;
    UNDERSTUDY_TRY(const auto following,
                   region.events_.request({{"command", "events"}, {"follow", true}}, answer_limit));
    return region;
}

Duration RemoteRegion::region_time() const {
    return io::monotonic_now() - region_start_;
}

Result<std::optional<scenario::RegionEvent>> RemoteRegion::next_event(Duration limit) {
    UNDERSTUDY_TRY(const auto line, events_.next_line(limit));
    if (!line) return std::optional<scenario::RegionEvent>();
    if (line->contains("end")) return Error(ErrorKind::failed, fmt::format("region {}", name_), "ended");
    UNDERSTUDY_TRY(auto event, event_from_line(*line));
    return std::optional(std::move(event));
}

Result<void> RemoteRegion::apply(const scenario::Fault& fault) {
    json::object request{{"command", "fault"},
                         {"kind", scenario::to_string(fault.kind)},
                         {"targets", words(fault.targets)},
                         {"to", words(fault.to)},
                         {"as", fault.id}};
    json::object settings;
    for (const auto& [key, value] : fault.settings) settings[key] = value;
    if (!settings.empty()) request["settings"] = std::move(settings);
    if (fault.duration) request["for_ns"] = fault.duration->count();
    UNDERSTUDY_TRY(const auto answer, requests_.request(request, answer_limit));
    return {};
}

Result<void> RemoteRegion::heal(const std::string& id) {
    UNDERSTUDY_TRY(
        const auto answer,
        requests_.request({{"command", "heal"}, {"fault", id.empty() ? "all" : id}}, answer_limit));
    return {};
}

Result<void> RemoteRegion::stop_unit(const std::string& host, const std::string& unit) {
    UNDERSTUDY_TRY(
        const auto answer,
        requests_.request({{"command", "unit"}, {"host", host}, {"unit", unit}, {"action", "stop"}},
                          answer_limit));
    return {};
}

Result<std::string> RemoteRegion::accelerator() {
    UNDERSTUDY_TRY(const auto answer, requests_.request({{"command", "status"}}, answer_limit));
    return std::string(answer.at("status").as_object().at("accelerator").as_string());
}

Result<CommandOutcome> RemoteRegion::exec(const std::string& host, const std::vector<std::string>& argv,
                                          Duration limit) {
    UNDERSTUDY_TRY(auto client, ControlClient::connect(name_));
    UNDERSTUDY_TRY(
        const auto answer,
        client.request({{"command", "exec"}, {"host", host}, {"argv", words(argv)}}, answer_limit));
    client.tell({{"close_input", true}});
    const Instant end = io::monotonic_now() + limit;
    CommandOutcome outcome;
    while (io::monotonic_now() < end) {
        UNDERSTUDY_TRY(const auto line, client.next_line(end - io::monotonic_now()));
        if (!line) break;
        if (const auto* status = line->if_contains("exit"); status != nullptr) {
            outcome.status = static_cast<int>(status->as_int64());
            return outcome;
        }
        const auto* data = line->if_contains("data");
        if (data == nullptr) return error_from_json(*line);
        UNDERSTUDY_TRY(const auto bytes, base64_decode(std::string_view(data->as_string())));
        (line->contains("stderr") ? outcome.err : outcome.out) += bytes;
    }
    return Error(ErrorKind::timeout, fmt::format("{} on {}", argv.front(), host),
                 "did not end within " + format_duration(limit));
}

Result<node::Audit> RemoteRegion::audit(const std::string& host, const std::string& node) {
    UNDERSTUDY_TRY(const auto outcome, exec(host,
                                            {std::string(inside::programs) + "/understudy-node", "audit",
                                             "--config", audit_path(node)},
                                            60s));
    if (outcome.status != 0)
        return Error(ErrorKind::failed, fmt::format("audit of {} on {}", node, host), outcome.err)
            .with_number(outcome.status);
    return node::audit_from_json(outcome.out);
}

}  // namespace understudy::lab
