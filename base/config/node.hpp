// SPDX-License-Identifier: Apache-2.0
// A configuration document as a tree of values, each of which knows where it was written. YAML 1.2 in (JSON
// is a subset of it), read with yaml-cpp; duplicate keys and anchors that refer to nothing are refused.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace understudy::config {

struct Place {
    std::string file;  // as the user named it, or "--set"
    int line = 0;      // from 1; 0 where there is no file
    int column = 0;
    std::string message_prefix() const;  // "file:line:column"
};

struct Node {
    enum class Kind { null, scalar, sequence, mapping };

    // Written out because clang 14 can't make them for a type that holds a vector of pairs of itself.
    Node();
    Node(const Node&);
    Node(Node&&) noexcept;
    Node& operator=(const Node&);
    Node& operator=(Node&&) noexcept;
    ~Node();

    Kind kind = Kind::null;
    Place place;
    std::string scalar;
    std::vector<Node> elements;                         // of a sequence
    std::vector<std::pair<std::string, Node>> members;  // of a mapping, in the order written
    std::vector<Place> member_places;                   // where each member's key stands

    const Node* find(std::string_view key) const;
    Node* find(std::string_view key);
    Node& insert(std::string key, Node value, Place key_place);  // replaces a member of that key
};

// The file's document; an empty file is an empty mapping. Error kind bad_input, subject "file:line:column".
Result<Node> load_file(const std::string& path);
Result<Node> parse_text(std::string_view text, const std::string& file_name);

// Lays `over` on `under`: mappings are merged member by member, anything else is replaced.
Node merge(Node under, const Node& over);

// Sets one value by its path, "nodes.party-a.mutual_exclusion.wait_interval=4s"; VALUE is read as YAML.
// Missing mappings on the way are created; whether the key is known is the reader's business.
Result<void> apply_setting(Node& root, std::string_view assignment);

}  // namespace understudy::config
