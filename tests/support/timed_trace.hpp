// SPDX-License-Identifier: Apache-2.0
// What the golden traces of machines with a clock have in common: lines that begin with "at TIME" or "until
// TIME", and faults that are applied by words.
#pragma once

#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "base/assert.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::test {

// `keyword` and the time that `in` goes on with: the machine's deadlines up to then pass one by one, each
// followed by show(WHEN), and `now` is that time. False after "until": nothing happens at it.
template <typename Machine, typename Show>
bool advance(Machine& machine, const std::string& keyword, std::istringstream& in, Instant& now, Show show) {
    UNDERSTUDY_ASSERT(keyword == "at" || keyword == "until", keyword.c_str());
    std::string when;
    in >> when;
    now = Instant(*parse_duration(when));
    while (const std::optional<Deadline> next = machine.next_deadline()) {
        if (next->when > now) break;
        machine.on_timeout(next->when);
        show(next->when);
    }
    return keyword == "at";
}

// "ID KIND [KEY=VALUE]...", read by parse(KIND, SETTINGS) as the service reads it. What is said against it;
// empty where it is in force.
template <typename Machine, typename Parse>
std::string apply_fault(Machine& machine, std::istringstream& in, Instant now, Parse parse) {
    std::string id, kind;
    in >> id >> kind;
    std::map<std::string, std::string> settings;
    for (std::string word; in >> word;) {
        const std::size_t equals = word.find('=');
        settings[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const auto fault = parse(kind, settings);
    if (fault.has_error()) return fault.error().message();
    const auto applied = machine.apply(id, *fault, now);
    return applied.has_error() ? applied.error().message() : std::string();
}

}  // namespace understudy::test
