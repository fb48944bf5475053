// SPDX-License-Identifier: Apache-2.0
#include "base/config/node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace understudy::config {

Node::Node() = default;
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

namespace {

Place place_of(const YAML::Mark& mark, const std::string& file) {
    return mark.is_null() ? Place{file, 1, 1} : Place{file, mark.line + 1, mark.column + 1};
}

Error bad_yaml(const Place& place, const std::string& reason) {
    return Error(ErrorKind::bad_input, place.message_prefix(), reason);
}

// A document deeper than this is a mistake or an attack, and recursion would follow it.
constexpr int deepest = 64;

// Aliases of aliases make a short file long: each is a copy here.
constexpr int most_nodes = 200'000;

// `left` is how many more nodes the document may have.
Result<Node> convert(const YAML::Node& yaml, const std::string& file, int depth, int& left) {
    Node node;
    node.place = place_of(yaml.Mark(), file);
    if (--left < 0)
        return bad_yaml(node.place, fmt::format("has more than {} values, aliases counted", most_nodes));
    if (depth > deepest) return bad_yaml(node.place, "is nested too deeply");
    switch (yaml.Type()) {
        case YAML::NodeType::Undefined:
        case YAML::NodeType::Null:
            return node;
        case YAML::NodeType::Scalar:
            node.kind = Node::Kind::scalar;
            node.scalar = yaml.Scalar();
            return node;
        case YAML::NodeType::Sequence:
            node.kind = Node::Kind::sequence;
            for (const auto& element : yaml) {
                UNDERSTUDY_TRY(Node converted, convert(element, file, depth + 1, left));
                node.elements.push_back(std::move(converted));
            }
            return node;
        case YAML::NodeType::Map:
            break;
    }
    node.kind = Node::Kind::mapping;
    for (const auto& member : yaml) {
        const Place key_place = place_of(member.first.Mark(), file);
        if (!member.first.IsScalar()) return bad_yaml(key_place, "a key must be a plain word");
        if (node.find(member.first.Scalar()) != nullptr)
            return bad_yaml(key_place, fmt::format("key '{}' is given twice", member.first.Scalar()));
        UNDERSTUDY_TRY(Node converted, convert(member.second, file, depth + 1, left));
        node.members.emplace_back(member.first.Scalar(), std::move(converted));
        node.member_places.push_back(key_place);
    }
    return node;
}

}  // namespace

std::string Place::message_prefix() const {
    return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

const Node* Node::find(std::string_view key) const {
    for (const auto& [name, value] : members)
        if (name == key) return &value;
    return nullptr;
}

Node* Node::find(std::string_view key) {
    return const_cast<Node*>(std::as_const(*this).find(key));
}

Node& Node::insert(std::string key, Node value, Place key_place) {
    kind = Kind::mapping;
    if (Node* existing = find(key)) {
        *existing = std::move(value);
        return *existing;
    }
    member_places.push_back(std::move(key_place));
    return members.emplace_back(std::move(key), std::move(value)).second;
}

Result<Node> parse_text(std::string_view text, const std::string& file_name) {
    try {
        int left = most_nodes;
        UNDERSTUDY_TRY(Node node, convert(YAML::Load(std::string(text)), file_name, 0, left));
        if (node.kind == Node::Kind::null) node.kind = Node::Kind::mapping;
        return node;
    } catch (const YAML::Exception& failure) {
        return bad_yaml(place_of(failure.mark, file_name), failure.msg);
    }
}

Result<Node> load_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file) return system_error(path, errno == 0 ? EIO : errno, ErrorKind::bad_input);
    return parse_text(text.str(), path);
}

Node merge(Node under, const Node& over) {
    if (under.kind != Node::Kind::mapping || over.kind != Node::Kind::mapping) return over;
    for (std::size_t i = 0; i < over.members.size(); ++i) {
        const auto& [key, value] = over.members[i];
        const Node* below = under.find(key);
        under.insert(key, below == nullptr ? value : merge(*below, value), over.member_places[i]);
    }
    return under;
}

Result<void> apply_setting(Node& root, std::string_view assignment) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string_view::npos || equals == 0)
        return Error(ErrorKind::bad_input, fmt::format("--set {}", assignment), "is not PATH=VALUE")
            .with_remedy("write it like nodes.party-a.mutual_exclusion.wait_interval=4s");
    const std::string origin = fmt::format("--set {}", assignment);
    UNDERSTUDY_TRY(Node value, parse_text(assignment.substr(equals + 1), origin));
    value.place = Place{origin, 0, 0};
    Node* at = &root;
    std::string_view path = assignment.substr(0, equals);
    while (true) {
        const std::size_t dot = path.find('.');
        const std::string key(path.substr(0, dot));
        if (dot == std::string_view::npos) {
            at->insert(key, std::move(value), Place{origin, 0, 0});
            return {};
        }
        Node* below = at->find(key);
        if (below == nullptr || below->kind != Node::Kind::mapping) {
            Node empty;
            empty.kind = Node::Kind::mapping;
            empty.place = Place{origin, 0, 0};
            below = &at->insert(key, std::move(empty), Place{origin, 0, 0});
        }
        at = below;
        path.remove_prefix(dot + 1);
    }
}

}  // namespace understudy::config
