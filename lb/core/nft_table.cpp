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

// What commands take in a message to the kernel, in bytes and generously. The buffer of a user's socket has
// 212,992 where nobody has changed it (net.core.wmem_max).
constexpr std::size_t most_bytes = 180'000;
constexpr std::size_t bytes_of_a_name = 250;
constexpr std::size_t bytes_of_a_rule = 1500;
constexpr std::size_t bytes_of_an_element = 80;

class Change {
  public:
    Change(const NftTable& from, const NftTable& to) : from_(from), to_(to) {}

    NftTransactions transactions(const std::string& first) {
        add(first, 0);
        add_names();
        for (const auto& [name, chain] : to_.chains) change_rules(name, chain);
        change_elements();
        remove_names();
        if (!out_.empty()) done_.push_back(std::move(out_));
        return std::move(done_);
    }

  private:
    // Commands that belong together stay together.
    void add(const std::string& commands, std::size_t bytes) {
        if (bytes_ + bytes > most_bytes && !out_.empty()) {
            done_.push_back(std::move(out_));
            out_.clear();
            bytes_ = 0;
        }
        out_ += commands;
        bytes_ += bytes;
    }

    void change_rules(const std::string& name, const NftChain& chain) {
        const auto old = from_.chains.find(name);
        if (old != from_.chains.end() && old->second.rules == chain.rules) return;
        std::string commands;
        if (old != from_.chains.end()) {
            UNDERSTUDY_ASSERT(old->second.hook == chain.hook, "a hook changes under the same name");
            commands = fmt::format("flush chain {} {}\n", to_.name, name);
        }
        for (const auto& rule : chain.rules)
            commands += fmt::format("add rule {} {} {}\n", to_.name, name, rule);
        add(commands, bytes_of_a_rule * chain.rules.size());
    }

    // Everything by name before anything that refers to it.
    void add_names() {
        for (const auto& [object, body] : to_.objects) {
            const auto old = from_.objects.find(object);
            if (old == from_.objects.end())
                add(fmt::format("add {} {}\n", placed(object, to_.name), body), bytes_of_a_name);
            else
                UNDERSTUDY_ASSERT(old->second == body, "an object changes under the same name");
        }
        for (const auto& [name, chain] : to_.chains)
            if (!from_.chains.contains(name))
                add(fmt::format("add chain {} {}{}\n", to_.name, name,
                                chain.hook.empty() ? "" : fmt::format(" {{ {} }}", chain.hook)),
                    bytes_of_a_name);
        for (const auto& [name, set] : to_.sets) {
            const auto old = from_.sets.find(name);
            if (old == from_.sets.end())
                add(fmt::format("add {} {} {} {{ {} }}\n", set.is_map ? "map" : "set", to_.name, name,
                                set.declaration),
                    bytes_of_a_name);
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
            const Elements gone = differing(before, set.elements);
            const Elements added = differing(set.elements, before);
            add(elements_text("delete", to_.name, name, gone) + elements_text("add", to_.name, name, added),
                bytes_of_an_element * (gone.size() + added.size()));
        }
    }

    // Rules refer to chains, sets and objects, elements to chains and objects: first all that refers is
    // emptied, then the names go.
    void remove_names() {
        for (const auto& [name, chain] : from_.chains)
            if (!to_.chains.contains(name))
                add(fmt::format("flush chain {} {}\n", to_.name, name), bytes_of_a_name);
        for (const auto& [name, set] : from_.sets)
            if (!to_.sets.contains(name))
                add(fmt::format("delete {} {} {}\n", set.is_map ? "map" : "set", to_.name, name),
                    bytes_of_a_name);
        for (const auto& [name, chain] : from_.chains)
            if (!to_.chains.contains(name))
                add(fmt::format("delete chain {} {}\n", to_.name, name), bytes_of_a_name);
        for (const auto& [object, body] : from_.objects)
            if (!to_.objects.contains(object))
                add(fmt::format("delete {}\n", placed(object, to_.name)), bytes_of_a_name);
    }

    const NftTable& from_;
    const NftTable& to_;
    NftTransactions done_;
    std::string out_;  // of the transaction that is being put together
    std::size_t bytes_ = 0;
};

}  // namespace

NftTransactions render_table(const NftTable& table) {
    return Change(NftTable{}, table)
        .transactions(render_removal(table) + fmt::format("add table {}\n", table.name));
}

NftTransactions render_change(const NftTable& from, const NftTable& to) {
    UNDERSTUDY_ASSERT(from.name == to.name, "two tables of different names");
    return Change(from, to).transactions("");
}

// Deleting what isn't there is an error, adding what is there is not.
std::string render_removal(const NftTable& table) {
    return fmt::format("add table {0}\ndelete table {0}\n", table.name);
}

}  // namespace understudy::lb
