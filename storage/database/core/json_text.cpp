// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <vector>

#include "storage/database/core/numeric.hpp"

namespace understudy::database {
namespace {

// Numbers keep their digits, which a parsed double would not.
struct Node {
    enum class Kind { null, boolean, number, string, array, object } kind = Kind::null;
    std::string text;  // of a number; of a string its characters; of a boolean "true" or "false"
    std::vector<std::string> names;  // of the members; none in an array
    std::vector<Node> members;
};

// What Boost.JSON's parser calls (basic_parser's handler).
class Builder {
  public:
    static constexpr std::size_t max_object_size = 1'000'000;
    static constexpr std::size_t max_array_size = 1'000'000;
    static constexpr std::size_t max_key_size = 16'000'000;
    static constexpr std::size_t max_string_size = 16'000'000;
    using Code = boost::system::error_code;
    using Text = boost::json::string_view;

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return open(Node::Kind::object); }
    bool on_object_end(std::size_t, Code&) { return close(); }
    bool on_array_begin(Code&) { return open(Node::Kind::array); }
    bool on_array_end(std::size_t, Code&) { return close(); }
    bool on_key_part(Text part, std::size_t, Code&) { return gather(part); }
    bool on_key(Text part, std::size_t, Code&) {
        gather(part);
        key_ = std::exchange(gathered_, {});
        return true;
    }
    bool on_string_part(Text part, std::size_t, Code&) { return gather(part); }
    bool on_string(Text part, std::size_t, Code&) {
        gather(part);
        return leaf(Node::Kind::string, std::exchange(gathered_, {}));
    }
    bool on_number_part(Text part, Code&) { return gather(part); }
    bool on_int64(std::int64_t, Text part, Code&) { return number(part); }
    bool on_uint64(std::uint64_t, Text part, Code&) { return number(part); }
    bool on_double(double, Text part, Code&) { return number(part); }
    bool on_bool(bool value, Code&) { return leaf(Node::Kind::boolean, value ? "true" : "false"); }
    bool on_null(Code&) { return leaf(Node::Kind::null, "null"); }
    bool on_comment_part(Text, Code&) { return true; }
    bool on_comment(Text, Code&) { return true; }

    Node take() { return std::move(root_); }

  private:
    bool gather(Text part) {
        gathered_.append(part.data(), part.size());
        return true;
    }
    bool number(Text part) {
        gather(part);
        return leaf(Node::Kind::number, std::exchange(gathered_, {}));
    }
    Node& place(Node node) {
        if (open_.empty()) return root_ = std::move(node);
        if (open_.back()->kind == Node::Kind::object) open_.back()->names.push_back(std::exchange(key_, {}));
        open_.back()->members.push_back(std::move(node));
        return open_.back()->members.back();
    }
    bool leaf(Node::Kind kind, std::string text) {
        Node node;
        node.kind = kind;
        node.text = std::move(text);
        place(std::move(node));
        return true;
    }
    // An open node's address stays: only the innermost one's members grow.
    bool open(Node::Kind kind) {
        Node node;
        node.kind = kind;
        open_.push_back(&place(std::move(node)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    Node root_;
    std::vector<Node*> open_;
    std::string key_, gathered_;
};

std::optional<Node> parse(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = 200;
    boost::json::basic_parser<Builder> parser(options);
    boost::system::error_code failure;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), failure);
    if (failure || read != text.size() || !parser.done()) return std::nullopt;
    return parser.handler().take();
}

void write_string(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20)
                    out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
                else
                    out += c;
        }
    }
    out += '"';
}

void write(const Node& node, std::string& out) {
    switch (node.kind) {
        case Node::Kind::string:
            return write_string(node.text, out);
        case Node::Kind::number: {
            const auto number = parse_numeric(node.text);
            out += number ? show(*number) : node.text;
            return;
        }
        case Node::Kind::array:
            out += '[';
            for (std::size_t i = 0; i < node.members.size(); ++i) {
                if (i > 0) out += ", ";
                write(node.members[i], out);
            }
            out += ']';
            return;
        case Node::Kind::object: {
            // The last of equal names counts.
            std::vector<std::size_t> order(node.members.size());
            for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
            const auto& names = node.names;
            std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
                if (names[left].size() != names[right].size())
                    return names[left].size() < names[right].size();
                return names[left] < names[right];
            });
            out += '{';
            bool first = true;
            for (std::size_t i = 0; i < order.size(); ++i) {
                if (i + 1 < order.size() && names[order[i + 1]] == names[order[i]]) continue;
                if (!first) out += ", ";
                first = false;
                write_string(names[order[i]], out);
                out += ": ";
                write(node.members[order[i]], out);
            }
            out += '}';
            return;
        }
        default:
            out += node.text;
    }
}

std::optional<std::string> shown(const Node& node, bool as_text) {
    if (as_text && node.kind == Node::Kind::null) return std::nullopt;
    if (as_text && node.kind == Node::Kind::string) return node.text;
    std::string out;
    write(node, out);
    return out;
}

}  // namespace

SqlResult<Stored> stored_json(std::string_view text, bool binary) {
    const auto node = parse(text);
    if (!node || !is_utf8(text))
        return SqlError{sqlstate::bad_text, "invalid input syntax for type json",
                        fmt::format("in \"{}\"", first_characters(text, 100))};
    if (!binary) return Stored(std::string(text));
    std::string out;
    write(*node, out);
    return Stored(std::move(out));
}

std::optional<std::string> json_member(std::string_view document, std::string_view name, bool as_text) {
    const auto node = parse(document);
    if (!node || node->kind != Node::Kind::object) return std::nullopt;
    for (std::size_t i = node->members.size(); i-- > 0;)
        if (node->names[i] == name) return shown(node->members[i], as_text);
    return std::nullopt;
}

std::optional<std::string> json_element(std::string_view document, std::int64_t index, bool as_text) {
    const auto node = parse(document);
    if (!node || node->kind != Node::Kind::array) return std::nullopt;
    const auto count = static_cast<std::int64_t>(node->members.size());
    if (index < 0) index += count;
    if (index < 0 || index >= count) return std::nullopt;
    return shown(node->members[static_cast<std::size_t>(index)], as_text);
}

}  // namespace understudy::database
