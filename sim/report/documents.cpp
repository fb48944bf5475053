// SPDX-License-Identifier: Apache-2.0
#include "sim/report/documents.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"

namespace understudy::report {
namespace {

json::value milliseconds_or_null(const std::optional<Duration>& duration) {
    return duration ? json::value(whole_milliseconds(*duration)) : json::value(nullptr);
}

json::object scenario_object(const ScenarioRun& run) {
    const Duration start = run.events.empty() ? Duration{} : run.events.front().at;
    json::array entries;
    for (const TimelineEntry& entry : timeline(run.events))
        entries.push_back(json::object{{"t_ms", whole_milliseconds(entry.at - start)},
                                       {"event", entry.event},
                                       {"host", entry.host},
                                       {"detail", entry.detail}});
    json::object scenario{{"name", run.name},
                          {"passed", run.passed},
                          {"outage_ms", milliseconds_or_null(outage(run.events))},
                          {"bound_ms", milliseconds_or_null(run.bound)},
                          {"leases_lost_to_slowness", run.lost_to_slowness.size()},
                          {"payments", json::object{{"acknowledged", run.payments.acknowledged},
                                                    {"lost", run.payments.lost},
                                                    {"duplicated", run.payments.duplicated}}},
                          {"timeline", std::move(entries)},
                          {"failures", json::array(run.failures.begin(), run.failures.end())}};
    if (run.messages)
        scenario["messages"] = json::object{{"acknowledged", run.messages->acknowledged},
                                            {"received", run.messages->received},
                                            {"lost", run.messages->lost},
                                            {"duplicated", run.messages->duplicated},
                                            {"out_of_turn", run.messages->out_of_turn}};
    return scenario;
}

// The length of the UTF-8 sequence that begins the text and stands for a character XML 1.0 allows; 0 for
// none.
std::size_t xml_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;                      // overlong
    if (lead == 0xED && byte(1) >= 0xA0) return 0;                     // surrogates
    if (lead == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE) return 0;  // U+FFFE, U+FFFF
    if (lead == 0xF0 && byte(1) < 0x90) return 0;                      // overlong
    if (lead == 0xF4 && byte(1) >= 0x90) return 0;                     // beyond U+10FFFF
    return length;
}

std::string escaped(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t length = xml_character(text);
        const char c = text.front();
        if (length == 0)
            out += "\uFFFD";
        else if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (c == '\n')
            out += "&#10;";
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(1, length));
    }
    return out;
}

double in_seconds(Duration duration) {
    return to_milliseconds(duration) / 1000;
}

}  // namespace

std::string to_json(const Report& report) {
    json::array scenarios;
    for (const ScenarioRun& run : report.scenarios) scenarios.push_back(scenario_object(run));
    return json::serialize(json::object{{"topology", report.topology},
                                        {"world", report.world},
                                        {"accelerator", report.accelerator},
                                        {"scenarios", std::move(scenarios)}});
}

std::string to_junit_xml(const Report& report) {
    Duration total{};
    for (const ScenarioRun& run : report.scenarios) total += run.duration;
    const auto failed = std::count_if(report.scenarios.begin(), report.scenarios.end(),
                                      [](const ScenarioRun& run) { return !run.passed; });
    const std::string suite = escaped(fmt::format("{} ({})", report.topology, report.world));
    std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    xml += fmt::format(
        "<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.3f}\">\n",
        suite, report.scenarios.size(), failed, in_seconds(total));
    for (const ScenarioRun& run : report.scenarios) {
        xml += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", suite,
                           escaped(run.name), in_seconds(run.duration));
        if (run.passed) {
            xml += "/>\n";
            continue;
        }
        std::string all;
        for (const std::string& failure : run.failures) all += (all.empty() ? "" : "\n") + failure;
        xml += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                           escaped(run.failures.empty() ? "failed" : run.failures.front()), escaped(all));
    }
    return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace understudy::report
