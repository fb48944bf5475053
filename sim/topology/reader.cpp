// SPDX-License-Identifier: Apache-2.0
#include "sim/topology/reader.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

// More files in a row than this extend each other in a circle.
constexpr int longest_chain = 8;

std::string beside(const std::string& file, const std::string& relative) {
    return (std::filesystem::path(file).parent_path() / relative).string();
}

Result<config::Node> extend(config::Node document, const std::string& file, int depth) {
    const config::Node* extends = document.find("extends");
    if (extends == nullptr) return document;
    const std::string place = extends->place.message_prefix();
    if (extends->kind != config::Node::Kind::scalar)
        return Error(ErrorKind::bad_input, place, "extends: must be the path of one file");
    if (depth == longest_chain)
        return Error(ErrorKind::bad_input, place, "extends: files extend each other in a circle");
    const std::string below = beside(file, extends->scalar);
    auto loaded = config::load_file(below);
    if (loaded.has_error() && loaded.error().subject == below)
        return Error(ErrorKind::bad_input, place,
                     fmt::format("extends: {}: {}", below, loaded.error().reason));
    if (loaded.has_error()) return std::move(loaded).error();
    UNDERSTUDY_TRY(config::Node under, extend(std::move(*loaded), below, depth + 1));
    return config::merge(std::move(under), document);
}

void read_scenarios(Reading& reading, config::Mapping& root, const std::string& file) {
    const auto list = root.optional("scenarios");
    if (!list) return;
    for (const config::Value& value : list->sequence()) {
        const std::string written = value.text();
        if (written.empty()) continue;
        const std::string path = beside(value.place().line == 0 ? file : value.place().file, written);
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored))
            value.refuse(fmt::format("'{}' is not a file", path), "paths are relative to the topology file");
        reading.topology.scenarios.push_back(path);
    }
}

Result<Topology> read(const config::Node& document, const std::string& file) {
    Reading reading;
    reading.topology.file = file;
    const config::Value whole(document, "", reading.diagnostics);
    config::Mapping root = whole.mapping();
    if (!whole.is_mapping()) return reading.diagnostics.outcome().error();
    if (const auto version = root.required("version"); version && version->text() != "1")
        version->refuse(fmt::format("'{}' is not a known version", version->text()), "write version: 1");
    if (const auto name = root.required("name")) reading.topology.name = name->name();
    if (const auto extends = root.optional("extends"); extends && extends->place().line == 0)
        extends->refuse("can't be set", "give the file that extends it instead");
    read_network(reading, root);
    read_security_groups(reading, root);
    read_availability_sets(reading, root);
    read_virtual_machines(reading, root);
    read_services(reading, root);
    read_load_balancers(reading, root);
    read_programs(reading, root);
    read_nodes(reading, root);
    read_clients(reading, root);
    read_scenarios(reading, root, file);
    root.refuse_unknown_keys();
    check_names(reading);
    check_claims(reading);
    assign_addresses(reading);
    for (const auto& check : reading.checks) check();
    UNDERSTUDY_CHECK(reading.diagnostics.outcome());
    return std::move(reading.topology);
}

Result<Topology> finish(config::Node document, const std::string& file,
                        const std::vector<std::string>& settings) {
    UNDERSTUDY_TRY(config::Node root, extend(std::move(document), file, 0));
    for (const std::string& setting : settings) UNDERSTUDY_CHECK(config::apply_setting(root, setting));
    return read(root, file);
}

}  // namespace

Result<Topology> load_topology(const std::string& path, const std::vector<std::string>& settings) {
    UNDERSTUDY_TRY(config::Node document, config::load_file(path));
    return finish(std::move(document), path, settings);
}

Result<Topology> parse_topology(std::string_view text, const std::string& file_name,
                                const std::vector<std::string>& settings) {
    UNDERSTUDY_TRY(config::Node document, config::parse_text(text, file_name));
    return finish(std::move(document), file_name, settings);
}

}  // namespace understudy::topology
