// SPDX-License-Identifier: Apache-2.0
#include "sim/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "sim/scenario/core/region_view.hpp"

namespace understudy::report {
namespace {

using scenario::in_words;

std::string seconds(Duration duration) {
    return fmt::format("{:.3f} s", to_milliseconds(duration) / 1000);
}

// Columns of time over a run.
class Scale {
  public:
    Scale(Duration first, Duration last, std::size_t width)
        : first_(first), span_(std::max<Duration>(last - first, 1ms)), width_(width) {}

    std::size_t column(Duration at) const {
        const double part = to_milliseconds(at - first_) / to_milliseconds(span_);
        return std::min(width_ - 1,
                        static_cast<std::size_t>(std::max(0.0, part) * static_cast<double>(width_)));
    }

  private:
    Duration first_;
    Duration span_;
    std::size_t width_;
};

// Each host's activity, as columns; hosts that were never active have no lane.
std::map<std::string, std::string> activity(const std::vector<RegionEvent>& events, const Scale& scale,
                                            std::size_t width) {
    std::set<std::string> hosts;
    for (const RegionEvent& event : events)
        if (is(event.event, "node", "active")) hosts.insert(event.host);
    std::map<std::string, std::string> lanes;
    for (const std::string& host : hosts) {
        std::string& lane = lanes[host];
        lane.assign(width, '.');
        scenario::RegionView view({host});
        std::optional<Duration> since;
        const auto fill = [&](Duration until) {
            for (std::size_t i = scale.column(*since); i <= scale.column(until); ++i) lane[i] = '#';
        };
        for (const RegionEvent& event : events) {
            view.handle(event);
            const bool active = !view.active().empty();
            if (active && !since) since = event.at;
            if (active || !since) continue;
            fill(event.at);
            since.reset();
        }
        if (since) fill(events.back().at);
    }
    return lanes;
}

}  // namespace

std::string timeline_table(const std::vector<TimelineEntry>& entries, Duration run_start) {
    using Row = std::array<std::string, 5>;
    std::vector<Row> rows{{"time", "after fault", "event", "host", "detail"}};
    for (const TimelineEntry& entry : entries)
        rows.push_back({seconds(entry.at - run_start),
                        entry.after_fault ? "+" + seconds(*entry.after_fault) : "", entry.event, entry.host,
                        entry.detail});
    std::array<std::size_t, 5> widths{};
    for (const Row& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string text;
    for (const Row& row : rows) {
        std::string line = fmt::format("{:>{}}  {:>{}}  {:<{}}  {:<{}}  {}", row[0], widths[0], row[1],
                                       widths[1], row[2], widths[2], row[3], widths[3], row[4]);
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string lanes(const std::vector<RegionEvent>& events, std::size_t width) {
    if (events.empty() || width == 0) return {};
    const Scale scale(events.front().at, events.back().at, width);
    std::map<std::string, std::string> hosts = activity(events, scale, width);
    std::string clients(width, ' ');
    std::string faults(width, ' ');
    for (const RegionEvent& event : events) {
        const std::size_t column = scale.column(event.at);
        if (const auto attempt = scenario::attempt_of(event)) {
            const char mark = attempt->acknowledged ? '+' : 'x';
            clients[column] = clients[column] == ' ' || clients[column] == mark ? mark : '~';
        }
        if (is(event.event, "lab", "fault_applied")) faults[column] = '!';
        if (is(event.event, "lab", "fault_healed") && faults[column] == ' ') faults[column] = '^';
    }
    std::size_t name_width = std::string("clients").size();
    for (const auto& [host, lane] : hosts) name_width = std::max(name_width, host.size());
    std::string text;
    const auto add = [&](const std::string& name, const std::string& lane) {
        text += fmt::format("{:<{}}  |{}|\n", name, name_width, lane);
    };
    for (const auto& [host, lane] : hosts) add(host, lane);
    add("clients", clients);
    add("faults", faults);
    const std::string end = in_words(events.back().at - events.front().at);
    text += fmt::format("{:<{}}   {:<4}{:>{}}\n", "", name_width, "0 s", end, width > 4 ? width - 4 : 0);
    return text;
}

std::string summary(const ScenarioRun& run) {
    std::string text =
        fmt::format("{}: {} in {}\n", run.name, run.passed ? "passed" : "FAILED", in_words(run.duration));
    const Duration start = run.events.empty() ? Duration{} : run.events.front().at;
    if (const auto entries = timeline(run.events); !entries.empty()) text += timeline_table(entries, start);
    text += lanes(run.events);
    if (const auto measured = outage(run.events))
        text += fmt::format("outage {}{}\n", in_words(*measured),
                            run.bound ? fmt::format(" (bound {})", in_words(*run.bound)) : "");
    if (run.messages)
        text +=
            fmt::format("messages: {} acknowledged, {} received, {} lost, {} duplicated, {} out of turn\n",
                        run.messages->acknowledged, run.messages->received, run.messages->lost,
                        run.messages->duplicated, run.messages->out_of_turn);
    else
        text += fmt::format("payments: {} acknowledged, {} lost, {} duplicated\n", run.payments.acknowledged,
                            run.payments.lost, run.payments.duplicated);
    if (!run.lost_to_slowness.empty())
        text += fmt::format(
            "this machine was too busy for the topology's timers: {} lease(s) given up because no renewal "
            "was "
            "confirmed in time, the first by {} at {}; each is a failover more, and so is its bound\n",
            run.lost_to_slowness.size(), run.lost_to_slowness.front().host,
            seconds(run.lost_to_slowness.front().at - start));
    for (const std::string& failure : run.failures) text += "failed: " + failure + "\n";
    return text;
}

}  // namespace understudy::report
