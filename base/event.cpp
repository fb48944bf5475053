// SPDX-License-Identifier: Apache-2.0
#include "base/event.hpp"

#include "base/json.hpp"

namespace understudy {
namespace {

json::value to_json(const AttributeValue& value) {
    return std::visit([](const auto& held) -> json::value { return json::value(held); }, value);
}

std::string text_member(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

std::string to_json_line(const Event& event) {
    json::object attributes;
    for (const auto& [name, value] : event.attributes) attributes[name] = to_json(value);
    return json::serialize(json::object{{"source", event.source},
                                        {"event", event.name},
                                        {"detail", event.detail},
                                        {"attributes", std::move(attributes)}});
}

Result<Event> event_from_json_line(std::string_view line) {
    boost::system::error_code failure;
    const json::value parsed = json::parse(json::string_view(line.data(), line.size()), failure);
    if (failure || !parsed.is_object())
        return Error(ErrorKind::bad_input, "event", "is not a JSON object on one line");
    const json::object& object = parsed.get_object();
    Event event{
        text_member(object, "source"), text_member(object, "event"), text_member(object, "detail"), {}};
    if (event.name.empty()) return Error(ErrorKind::bad_input, "event", "has no member \"event\"");
    const auto* attributes = object.if_contains("attributes");
    if (attributes == nullptr || !attributes->is_object()) return event;
    for (const auto& [name, value] : attributes->get_object()) {
        AttributeValue held;
        if (value.is_bool())
            held = value.get_bool();
        else if (value.is_int64())
            held = value.get_int64();
        else if (value.is_uint64())
            held = static_cast<std::int64_t>(value.get_uint64());
        else if (value.is_double())
            held = value.get_double();
        else if (value.is_string())
            held = std::string(value.get_string());
        else
            continue;
        event.attributes[std::string(name)] = std::move(held);
    }
    return event;
}

std::optional<std::string> string_attribute(const Event& event, const std::string& name) {
    const auto found = event.attributes.find(name);
    if (found == event.attributes.end()) return std::nullopt;
    const auto* held = std::get_if<std::string>(&found->second);
    return held == nullptr ? std::nullopt : std::optional(*held);
}

std::optional<std::int64_t> integer_attribute(const Event& event, const std::string& name) {
    const auto found = event.attributes.find(name);
    if (found == event.attributes.end()) return std::nullopt;
    const auto* held = std::get_if<std::int64_t>(&found->second);
    return held == nullptr ? std::nullopt : std::optional(*held);
}

}  // namespace understudy
