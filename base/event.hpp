// SPDX-License-Identifier: Apache-2.0
// An event: something that happened in the region, the unit of evidence. `detail` is for people, in words;
// `attributes` are for queries: a flat map of names to numbers, booleans or strings. One event is one JSON
// object on one line: {"source","event","detail","attributes":{…}}; the region adds "t_ms" and "host" on
// arrival.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"

namespace understudy {

using AttributeValue = std::variant<bool, std::int64_t, double, std::string>;

struct Event {
    std::string source;  // the component: "lb", "node", "client", "files", "mount", "db", "network-map",
                         // "agent", "lab"
    std::string name;    // past tense or state, snake_case: "probe_failed", "lease_taken", "active"
    std::string detail;
    std::map<std::string, AttributeValue> attributes;
};

// Whether it is this one of this component's events.
inline bool is(const Event& event, std::string_view source, std::string_view name) {
    return event.source == source && event.name == name;
}

// The line without its newline. Control characters and invalid UTF-8 come out escaped or replaced.
std::string to_json_line(const Event& event);

// Refuses lines that are not such an object; unknown members are ignored.
Result<Event> event_from_json_line(std::string_view line);

// The attribute if present and of that type.
std::optional<std::string> string_attribute(const Event& event, const std::string& name);
std::optional<std::int64_t> integer_attribute(const Event& event, const std::string& name);

}  // namespace understudy
