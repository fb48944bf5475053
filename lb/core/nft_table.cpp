// SPDX-License-Identifier: Apache-2.0
#include "lb/core/nft_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/assert.hpp"

namespace understudy::lb {
namespace {

using Elements = std::map<std::string, std::string>;

// "counter a" → "counter ip t a": a command has the table between kind and name.
std::string placed(const std::string& object, const std::string& table) {
    const auto space = object.rfind(' ');
    return fmt::format("{} {} {}", object.substr(0, space), table, object.substr(space + 1));
}

// What `of` has and `without` has not, or has with another value.
Elements differing(const Elements& of, const Elements& without) {
    Elements result;
    for (const auto& [key, value] : of) {
        const auto other = without.find(key);
        if (other == without.end() || other->second != value) result.emplace(key, value);
    }
    return result;
}

std::string elements_text(const char* command, const std::string& table, const std::string& set,
                          const Elements& elements) {
    if (elements.empty()) return "";
    std::vector<std::string> parts;
    parts.reserve(elements.size());
    for (const auto& [key, value] : elements)
        parts.push_back(value.empty() ? key : fmt::format("{} : {}", key, value));
    return fmt::format("{} element {} {} {{ {} }}\n", command, table, set, fmt::join(parts, ", "));
}

class Change {
  public:
    Change(const NftTable& from, const NftTable& to) : from_(from), to_(to) {}

    std::string text() {
        add_names();
        for (const auto& [name, chain] : to_.chains) {
            const auto old = from_.chains.find(name);
            if (old != from_.chains.end() && old->second.rules == chain.rules) continue;
            if (old != from_.chains.end()) {
                UNDERSTUDY_ASSERT(old->second.hook == chain.hook, "a hook changes under the same name");
                out_ += fmt::format("flush chain {} {}\n", to_.name, name);
            }
            for (const auto& rule : chain.rules)
                out_ += fmt::format("add rule {} {} {}\n", to_.name, name, rule);
        }
        change_elements();
        remove_names();
        return std::move(out_);
    }

  private:
    // Everything by name before anything that refers to it.
    void add_names() {
        for (const auto& [object, body] : to_.objects) {
            const auto old = from_.objects.find(object);
            if (old == from_.objects.end())
                out_ += fmt::format("add {} {}\n", placed(object, to_.name), body);
            else
                UNDERSTUDY_ASSERT(old->second == body, "an object changes under the same name");
        }
        for (const auto& [name, chain] : to_.chains)
            if (!from_.chains.contains(name))
                out_ += fmt::format("add chain {} {}{}\n", to_.name, name,
                                    chain.hook.empty() ? "" : fmt::format(" {{ {} }}", chain.hook));
        for (const auto& [name, set] : to_.sets) {
            const auto old = from_.sets.find(name);
            if (old == from_.sets.end())
                out_ += fmt::format("add {} {} {} {{ {} }}\n", set.is_map ? "map" : "set", to_.name, name,
                                    set.declaration);
            else
                UNDERSTUDY_ASSERT(old->second.declaration == set.declaration,
                                  "a declaration changes under the same name");
        }
    }

    void change_elements() {
        const Elements none;
        for (const auto& [name, set] : to_.sets) {
            const auto old = from_.sets.find(name);
            const Elements& before = old == from_.sets.end() ? none : old->second.elements;
            // A value is changed by taking the element out and in again; nobody sees the time between.
            out_ += elements_text("delete", to_.name, name, differing(before, set.elements));
            out_ += elements_text("add", to_.name, name, differing(set.elements, before));
        }
    }

    // Rules refer to chains, sets and objects, elements to chains and objects: first all that refers is
    // emptied, then the names go.
    void remove_names() {
        std::string gone;
        for (const auto& [name, chain] : from_.chains) {
            if (to_.chains.contains(name)) continue;
            out_ += fmt::format("flush chain {} {}\n", to_.name, name);
            gone += fmt::format("delete chain {} {}\n", to_.name, name);
        }
        for (const auto& [name, set] : from_.sets)
            if (!to_.sets.contains(name))
                out_ += fmt::format("delete {} {} {}\n", set.is_map ? "map" : "set", to_.name, name);
        out_ += gone;
        for (const auto& [object, body] : from_.objects)
            if (!to_.objects.contains(object)) out_ += fmt::format("delete {}\n", placed(object, to_.name));
    }

    const NftTable& from_;
    const NftTable& to_;
    std::string out_;
};

}  // namespace

std::string render_table(const NftTable& table) {
    return render_removal(table) + fmt::format("add table {}\n", table.name) +
           Change(NftTable{}, table).text();
}

std::string render_change(const NftTable& from, const NftTable& to) {
    UNDERSTUDY_ASSERT(from.name == to.name, "two tables of different names");
    return Change(from, to).text();
}

// Deleting what isn't there is an error, adding what is there is not.
std::string render_removal(const NftTable& table) {
    return fmt::format("add table {0}\ndelete table {0}\n", table.name);
}

}  // namespace understudy::lb
