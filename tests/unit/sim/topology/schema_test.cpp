// SPDX-License-Identifier: Apache-2.0
// The schema for editors and the reader know the same keys: at every mapping of a full topology an unknown
// key is put in, and the reader's answer, which lists the keys known there, is compared with the schema's
// properties.
#include <gmock/gmock.h>

#include <algorithm>

#include "base/json.hpp"
#include "sim/topology/reader.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/paths.hpp"

namespace understudy::topology {
namespace {

// One of everything, as JSON, which is YAML.
constexpr const char* everything = R"({
    "version": 1, "name": "full", "network": {}, "security_groups": {"g": [{}]}, "availability_sets": {"s": {}},
    "virtual_machines": {"m": {}}, "file_services": {"f": {}}, "databases": {"d": {}}, "network_map": {},
    "load_balancers": {"l": {"frontend": {}, "probes": {"p": {}}, "rules": [{}],
        "inbound_nat_rules": [{}], "outbound": {}}},
    "nodes": {"n": {"mutual_exclusion": {}}}, "clients": {"c": {}},
    "programs": {"p": {"files": {"/f": {}}}}})";

constexpr const char* unknown = "zzzzzzzzzzzzzzzzzzzz";

std::string known_at(const json::value& document, const std::string& path) {
    const std::string message = parse_topology(json::serialize(document), "t").error().message();
    const std::string wanted =
        (path.empty() ? "" : path + ".") + std::string(unknown) + ": is not a known key; known here: ";
    const std::size_t at = message.find(wanted);
    if (at == std::string::npos) return "no answer at " + path + ": " + message;
    const std::size_t begin = at + wanted.size();
    return message.substr(begin, message.find('\n', begin) - begin);
}

// Compares at this mapping and below; `at` is the place in `document` that `schema` describes.
void compare(const json::object& schema, json::value& document, json::value& at, const std::string& path,
             int& count) {
    const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    if (at.is_array())
        return compare(schema.at("items").as_object(), document, at.as_array().at(0), path + "[0]", count);
    if (!at.is_object()) return;
    if (!schema.contains("properties")) {  // the user's own names
        for (auto& member : at.as_object())
            compare(schema.at("additionalProperties").as_object(), document, member.value(),
                    below(member.key()), count);
        return;
    }
    ++count;
    std::vector<std::string> keys;
    for (const auto& property : schema.at("properties").as_object()) keys.emplace_back(property.key());
    std::sort(keys.begin(), keys.end());
    std::string expected;
    for (const std::string& key : keys) expected += (expected.empty() ? "" : ", ") + key;
    at.as_object()[unknown] = 1;
    EXPECT_EQ(known_at(document, path), expected) << path;
    at.as_object().erase(unknown);
    for (const std::string& key : keys)
        if (auto* value = at.as_object().if_contains(key))
            compare(schema.at("properties").at(key).as_object(), document, *value, below(key), count);
}

TEST(TopologySchema, knows_the_same_keys_as_the_reader) {
    const json::value schema =
        json::parse(test::content_of(test::source_directory() / "topologies/topology.schema.json"));
    json::value document = json::parse(everything);
    int count = 0;
    compare(schema.as_object(), document, document, "", count);
    EXPECT_EQ(count, 19) << "a mapping was left out";
}

}  // namespace
}  // namespace understudy::topology
