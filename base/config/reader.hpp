// SPDX-License-Identifier: Apache-2.0
// Reads typed values out of a configuration tree and collects every mistake with its file:line:column, so
// that a user sees all of them at once. A getter that refuses a value records a diagnostic and returns a
// harmless default; the caller reads on and asks Diagnostics at the end. Readers refer to the tree and to the
// diagnostics; both outlive them. One thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/config/node.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::config {

struct Diagnostic {
    Place place;
    std::string subject;  // what is wrong, e.g. "probes.p2p.port"
    std::string reason;
    std::string remedy;
    std::string message() const;  // "file:line:column: subject: reason; remedy"
};

class Diagnostics {
  public:
    void add(Diagnostic diagnostic) { all_.push_back(std::move(diagnostic)); }
    bool empty() const { return all_.empty(); }
    const std::vector<Diagnostic>& all() const { return all_; }
    // Success, or one bad_input error whose message is every diagnostic on a line of its own, in file order.
    Result<void> outcome() const;

  private:
    std::vector<Diagnostic> all_;
};

class Mapping;

class Value {
  public:
    Value(const Node& node, std::string path, Diagnostics& diagnostics)
        : node_(&node), path_(std::move(path)), diagnostics_(&diagnostics) {}

    std::string text() const;  // any scalar
    std::string name() const;  // a name of letters, digits, '-' and '_', 1 to 63 characters
    std::int64_t integer(std::int64_t least, std::int64_t greatest) const;
    double number(double least, double greatest) const;
    bool boolean() const;        // true or false
    std::uint16_t port() const;  // 1 to 65535
    Duration duration(Duration least, Duration greatest) const;
    Ipv4Address address() const;
    Ipv4Network network() const;
    Endpoint endpoint() const;
    std::uint64_t bytes() const;  // "256MiB", "1GiB", "64KiB" or plain bytes
    // One of `choices`; the index is returned, 0 after a refusal.
    std::size_t choice(const std::vector<std::string>& choices) const;

    Mapping mapping() const;
    std::vector<Value> sequence() const;
    std::vector<std::string> texts() const;  // a sequence of scalars, or one scalar

    bool is_mapping() const { return node_->kind == Node::Kind::mapping; }
    bool is_sequence() const { return node_->kind == Node::Kind::sequence; }
    bool is_scalar() const { return node_->kind == Node::Kind::scalar; }

    const Place& place() const { return node_->place; }
    const std::string& path() const { return path_; }
    void refuse(std::string reason, std::string remedy = {}) const;

  private:
    template <typename T>
    T accept(Result<T> parsed) const;
    const Node* node_;
    std::string path_;
    Diagnostics* diagnostics_;
};

class Mapping {
  public:
    Mapping(const Node& node, std::string path, Diagnostics& diagnostics)
        : node_(&node), path_(std::move(path)), diagnostics_(&diagnostics) {}

    std::optional<Value> optional(const std::string& key);
    std::optional<Value> required(const std::string& key);  // records "is missing" where it is
    // Every member, for mappings whose keys are the user's own names.
    std::vector<std::pair<std::string, Value>> entries();
    // Refuses members that nobody asked for, with the nearest known key. Call when all keys were asked for.
    void refuse_unknown_keys() const;
    void refuse(const std::string& reason, const std::string& remedy = {}) const;
    const Place& place() const { return node_->place; }

  private:
    std::string below(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
    const Node* node_;
    std::string path_;
    Diagnostics* diagnostics_;
    std::set<std::string> known_;
};

}  // namespace understudy::config
