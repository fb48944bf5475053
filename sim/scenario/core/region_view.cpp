// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/region_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::scenario {
namespace {

constexpr std::size_t attempts_kept = 16;

bool ends_activity(const Event& event) {
    if (event.source == "node") return event.name == "stopped" || event.name == "starting";
    if (event.source == "agent")
        return event.name == "unit_exited" && string_attribute(event, "unit") == "node";
    if (event.source != "lab") return false;
    if (event.name == "host_state") {
        const std::string state = string_attribute(event, "state").value_or(event.detail);
        return state == "off" || state == "starting" || state == "failed";
    }
    if (event.name != "fault_applied") return false;
    const auto kind = string_attribute(event, "kind");
    return kind == "power-off" || kind == "reset";
}

// The hosts an event is about: the lab reports under its own name, with one or several hosts as the target.
std::vector<std::string> hosts_of(const RegionEvent& event) {
    const auto target = event.event.source == "lab" ? string_attribute(event.event, "target") : std::nullopt;
    if (!target) return {event.host};
    std::vector<std::string> hosts(1);
    for (const char c : *target) {
        if (c != ',' && c != ' ')
            hosts.back() += c;
        else if (!hosts.back().empty())
            hosts.emplace_back();
    }
    return hosts;
}

}  // namespace

std::string in_words(Duration duration) {
    const double milliseconds = to_milliseconds(duration);
    return milliseconds < 1000 ? fmt::format("{:.0f} ms", milliseconds)
                               : fmt::format("{:.1f} s", milliseconds / 1000);
}

std::optional<Attempt> attempt_of(const RegionEvent& event) {
    if (!is(event.event, "client", "attempt")) return std::nullopt;
    Attempt attempt;
    attempt.ended = event.at;
    attempt.began =
        event.at - std::chrono::milliseconds(integer_attribute(event.event, "started_ms_ago").value_or(0));
    attempt.acknowledged = string_attribute(event.event, "outcome") == "acknowledged";
    attempt.reason = string_attribute(event.event, "reason").value_or(event.event.detail);
    return attempt;
}

void RegionView::handle(const RegionEvent& event) {
    if (const auto seen = attempt_of(event)) {
        attempts_.push_back(*seen);
        if (attempts_.size() > attempts_kept) attempts_.pop_front();
        return;
    }
    if (event.event.source == "lb" && event.event.name.starts_with("probe_"))
        last_probe_ = fmt::format("{} of {} at {}", event.event.name,
                                  string_attribute(event.event, "backend").value_or(event.event.detail),
                                  in_words(event.at));
    for (const std::string& host : hosts_of(event)) {
        if (std::find(hosts_.begin(), hosts_.end(), host) == hosts_.end()) continue;
        if (ends_activity(event.event)) {
            active_.erase(host);
            paused_.erase(host);
        }
        if (event.event.source == "lab" && string_attribute(event.event, "kind") == "pause") {
            if (event.event.name == "fault_applied" && active_.contains(host))
                paused_.insert(active_.extract(host));
            if (event.event.name == "fault_healed" && paused_.contains(host)) {
                paused_.erase(host);
                activate(host, event.at);
            }
        }
        if (is(event.event, "node", "active")) activate(host, event.at);
    }
}

void RegionView::activate(const std::string& host, Duration at) {
    for (const auto& [other, since] : active_)
        if (other != host) overlaps_.push_back({other, host, since, at});
    active_[host] = at;
}

std::vector<Overlap> RegionView::take_overlaps() {
    return std::exchange(overlaps_, {});
}

bool RegionView::latest_attempts(std::size_t count, Duration since, bool acknowledged) const {
    if (attempts_.size() < count) return false;
    return std::all_of(attempts_.end() - static_cast<std::ptrdiff_t>(count), attempts_.end(),
                       [&](const Attempt& a) { return a.began >= since && a.acknowledged == acknowledged; });
}

std::optional<Attempt> RegionView::last_attempt() const {
    return attempts_.empty() ? std::nullopt : std::optional(attempts_.back());
}

}  // namespace understudy::scenario
