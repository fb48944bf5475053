// SPDX-License-Identifier: Apache-2.0
#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/io/clock.hpp"
#include "tree.hpp"

namespace understudy::files::testing {

namespace {

std::string parent_of(const std::string& path) {
    std::size_t end = path.find_last_not_of('/');
    std::size_t slash = path.rfind('/', end);
    return slash == std::string::npos || end == std::string::npos ? "" : path.substr(0, slash);
}

class Comparison {
  public:
    Comparison(const Places& places, const std::string& name)
        : places_(places),
          share_(places.mounts, name),
          oracle_(std::vector<std::string>(places.mounts.size(), places.local), name) {}

    std::optional<Difference> step(const Operation& operation) {
        if (operation.client != client_) {
            if (auto difference = change_client(operation.client)) return difference;
        }
        std::string on_share = share_.apply(operation), on_oracle = oracle_.apply(operation);
        if (on_share != on_oracle) return Difference{0, "result", on_share, on_oracle};
        if (operation.kind == Kind::open && on_share == "opened")
            open_[static_cast<std::size_t>(operation.slot)] = operation.path;
        return after(operation);
    }

    std::optional<Difference> everything() {
        for (int client = 0; client < static_cast<int>(places_.mounts.size()); ++client) {
            if (client != client_) {
                share_.close_all();
                oracle_.close_all();
            }
            std::string on_share = share_.look_at_all(client, places_.attributes);
            std::string on_oracle = oracle_.look_at_all(client, places_.attributes);
            if (on_share != on_oracle)
                return Difference{0, fmt::format("the whole tree, seen by {}", "ab"[client]), on_share,
                                  on_oracle};
        }
        return std::nullopt;
    }

  private:
    std::optional<Difference> look(const std::string& path) {
        std::string on_share = share_.look(client_, path), on_oracle = oracle_.look(client_, path);
        if (on_share == on_oracle) return std::nullopt;
        return Difference{0, fmt::format("\"{}\", seen by {}", path, "ab"[client_]), on_share, on_oracle};
    }

    std::optional<Difference> after(const Operation& operation) {
        std::set<std::string> paths;
        if (operation.kind >= Kind::open) {
            // What was done to an open file is seen by its name too, if it has one still.
            paths.insert(open_[static_cast<std::size_t>(operation.slot)]);
        } else {
            paths = {operation.path, parent_of(operation.path)};
            if (operation.kind == Kind::rename || operation.kind == Kind::link)
                paths.insert({operation.other, parent_of(operation.other)});
        }
        for (const std::string& path : paths)
            if (auto difference = look(path)) return difference;
        if (places_.mounts.size() > 1) touched_.insert(paths.begin(), paths.end());
        return std::nullopt;
    }

    std::optional<Difference> change_client(int client) {
        share_.close_all();
        oracle_.close_all();
        client_ = client;
        for (const std::string& path : std::exchange(touched_, {}))
            if (auto difference = look(path)) return difference;
        return std::nullopt;
    }

    const Places& places_;
    Tree share_, oracle_;
    std::array<std::string, slot_count> open_;
    std::set<std::string> touched_;
    int client_ = 0;
};

}  // namespace

std::optional<Difference> compare(const Places& places, const std::string& tree,
                                  const std::function<const Operation*()>& next, std::size_t whole_each) {
    Comparison comparison(places, tree);
    std::size_t index = 0;
    for (const Operation* operation = next(); operation != nullptr; operation = next(), ++index) {
        auto difference = comparison.step(*operation);
        if (!difference && whole_each != 0 && (index + 1) % whole_each == 0)
            difference = comparison.everything();
        if (difference) {
            difference->index = index;
            return difference;
        }
    }
    auto difference = comparison.everything();
    if (difference) difference->index = index == 0 ? 0 : index - 1;
    return difference;
}

std::vector<Operation> shorten(const Places& places, std::vector<Operation> operations, Duration limit) {
    Instant end = io::monotonic_now() + limit;
    int runs = 0;
    auto fails = [&](const std::vector<Operation>& some) {
        std::size_t at = 0;
        auto next = [&] { return at < some.size() ? &some[at++] : nullptr; };
        return compare(places, fmt::format("shorten{}", runs++), next, 0).has_value();
    };
    std::size_t piece = operations.size() / 2;
    while (piece >= 1 && io::monotonic_now() < end) {
        bool shorter = false;
        for (std::size_t from = 0; from < operations.size() && io::monotonic_now() < end;) {
            std::vector<Operation> without(operations.begin(),
                                           operations.begin() + static_cast<std::ptrdiff_t>(from));
            std::size_t after = std::min(from + piece, operations.size());
            without.insert(without.end(), operations.begin() + static_cast<std::ptrdiff_t>(after),
                           operations.end());
            if (fails(without)) {
                operations = std::move(without);
                shorter = true;
            } else {
                from += piece;
            }
        }
        if (!shorter || piece > operations.size()) piece /= 2;
    }
    return operations;
}

}  // namespace understudy::files::testing
