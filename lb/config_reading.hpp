// SPDX-License-Identifier: Apache-2.0
// What the parts of the configuration's reader share: what was read so far that later parts refer to, the
// frontend ports that are taken, and the words of the choices, which the writer uses too. Private to the
// reader and the writer.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/config/reader.hpp"
#include "lb/config.hpp"

namespace understudy::lb {

// The words of an enumeration in a file, in the order of its values.
template <typename Choice>
struct Words {
    std::vector<std::string> all;
    Choice read(const config::Value& value) const { return static_cast<Choice>(value.choice(all)); }
    const std::string& of(Choice choice) const { return all.at(static_cast<std::size_t>(choice)); }
};

extern const Words<Sku> sku_words;
extern const Words<DataPathKind> data_path_words;
extern const Words<ProbeProtocol> probe_protocol_words;
extern const Words<RuleProtocol> rule_protocol_words;
extern const Words<OnBackendDown> on_backend_down_words;
extern const Words<ThresholdMode> threshold_mode_words;
extern const Words<NoHealthyBackends> no_healthy_backends_words;
extern const Words<Distribution> distribution_words;

constexpr Duration shortest_wait = 10ms;
constexpr Duration longest_wait = 24h;

// Who has taken which frontend port, over rules and inbound NAT rules: no two may have the same port of one
// protocol, and `all` leaves nothing to others.
class FrontendPorts {
  public:
    // Refuses at `value` if it is taken already.
    void claim(const config::Value& value, RuleProtocol protocol, std::uint16_t port,
               const std::string& owner);

  private:
    std::map<std::pair<RuleProtocol, std::uint16_t>, std::string> owners_;
    std::string first_;  // of all owners
    std::string owns_all_;
};

struct Reading {
    Config config;
    std::set<std::string> rule_names;  // of rules and inbound NAT rules
    FrontendPorts ports;

    bool proxy() const { return config.data_path == DataPathKind::proxy; }
    bool basic() const { return config.sku == Sku::basic; }
};

Duration duration_or(config::Mapping& from, const std::string& key, Duration otherwise);
bool boolean_or(config::Mapping& from, const std::string& key, bool otherwise);

void read_probes(Reading& reading, const config::Value& value);
// After probes and backends.
void read_rules(Reading& reading, const config::Value& value);
void read_inbound_nat_rules(Reading& reading, const config::Value& value);
void read_outbound(Reading& reading, const config::Value& value);

}  // namespace understudy::lb
