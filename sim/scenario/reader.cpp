// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/config/reader.hpp"
#include "base/suggest.hpp"
#include "sim/topology/queries.hpp"
#include "storage/database/core/fault.hpp"
#include "storage/files/core/fault.hpp"

namespace understudy::scenario {
namespace {

constexpr Duration longest_wait = 24h;

struct Reading {
    const topology::Topology& topology;
    Scenario scenario;
    config::Diagnostics diagnostics;
    std::vector<std::string> host_names;
    std::set<std::string> fault_ids;
};

void check_host(Reading& reading, const config::Value& value, const std::string& name,
                const std::vector<std::string>& roles) {
    std::vector<std::string> known = reading.host_names;
    known.insert(known.end(), roles.begin(), roles.end());
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    const auto meant = nearest(name, known);
    std::string all;
    for (const std::string& other : known) all += (all.empty() ? "" : ", ") + other;
    value.refuse(fmt::format("there is no host '{}'", name),
                 meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("use one of {}", all));
}

std::vector<std::string> read_hosts(Reading& reading, const config::Value& value) {
    std::vector<std::string> names = value.texts();
    if (names.empty() && value.is_sequence()) value.refuse("names no host");
    for (const std::string& name : names) check_host(reading, value, name, {active_role, standby_role});
    return names;
}

ActiveExpectation read_active(Reading& reading, const config::Value& value) {
    using Kind = ActiveExpectation::Kind;
    const std::string text = value.text();
    if (text == "any") return {Kind::any, {}};
    if (text == "none") return {Kind::none, {}};
    if (text == "other") return {Kind::other, {}};
    const auto carriers = topology::high_availability_hosts(reading.topology);
    if (value.is_scalar() && std::find(carriers.begin(), carriers.end(), text) == carriers.end()) {
        std::string all = "any, none, other";
        for (const std::string& host : carriers) all += ", " + host;
        value.refuse(fmt::format("'{}' carries nothing highly available", text),
                     fmt::format("use one of {}", all));
    }
    return {Kind::host, text};
}

Expect read_expect(Reading& reading, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    Expect expect;
    if (const auto active = mapping.optional("active")) expect.active = read_active(reading, *active);
    if (const auto clients = mapping.optional("clients"))
        expect.clients = static_cast<ClientsExpectation>(clients->choice({"succeeding", "failing"}));
    if (const auto within = mapping.required("within");
        within && !(within->is_scalar() && within->text() == "bound"))
        expect.within = within->duration(0ms, longest_wait);
    if (const auto hold = mapping.optional("for")) expect.hold = hold->duration(0ms, longest_wait);
    mapping.refuse_unknown_keys();
    if (!expect.active && !expect.clients && value.is_mapping())
        mapping.refuse("expects nothing", "say active: or clients:");
    if (expect.clients && reading.topology.clients.empty())
        mapping.refuse("the topology has no clients", "leave clients: out or add clients to the topology");
    return expect;
}

void check_service(Reading& reading, const config::Mapping& mapping, FaultKind kind,
                   const std::string& target) {
    if (is_share_fault(kind)) {
        if (!reading.topology.file_services.contains(target))
            mapping.refuse(fmt::format("'{}' is no file service", target), "name one of file_services");
        return;
    }
    const auto database = reading.topology.databases.find(target);
    if (database == reading.topology.databases.end())
        mapping.refuse(fmt::format("'{}' is no database", target), "name one of databases");
    else if (database->second.engine == topology::DatabaseEngine::postgresql &&
             kind != FaultKind::db_read_only)
        mapping.refuse(fmt::format("'{}' is a PostgreSQL server, which has no {}", target, to_string(kind)),
                       instead_on_postgresql(kind));
}

// What a fault of a service takes beside its target. `client` may be a role, which only the run can resolve.
void read_service_settings(Reading& reading, config::Mapping& mapping, Fault& fault) {
    const bool of_service = is_share_fault(fault.kind) || is_database_fault(fault.kind);
    for (const char* key :
         {"path", "client", "error", "rate", "seed", "latency", "bytes_per_second", "torn", "step"}) {
        const auto given = mapping.optional(key);
        if (!given) continue;
        if (!of_service) {
            given->refuse(fmt::format("a {} has no {}", to_string(fault.kind), key), "leave it out");
            continue;
        }
        fault.settings[key] = given->text();
    }
    if (!of_service) return;
    const auto refuse = [&](const auto& parsed) {
        if (parsed.has_error())
            mapping.refuse(fmt::format("{}: {}", parsed.error().subject, parsed.error().reason),
                           parsed.error().remedy);
    };
    if (is_share_fault(fault.kind))
        refuse(files::parse_fault(name_at_service(fault.kind), fault.settings));
    else
        refuse(database::parse_fault(name_at_service(fault.kind), fault.settings));
    for (const std::string& target : fault.targets) check_service(reading, mapping, fault.kind, target);
}

Fault read_fault(Reading& reading, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    Fault fault;
    if (const auto kind = mapping.required("kind"))
        fault.kind = static_cast<FaultKind>(kind->choice(fault_kind_names()));
    const auto targets = mapping.optional("targets");
    const auto target = targets ? mapping.optional("target") : mapping.required("target");
    if (target && targets) targets->refuse("target is given too", "give one of the two");
    if (const auto& given = target ? target : targets) fault.targets = read_hosts(reading, *given);
    if (const auto to = mapping.optional("to")) {
        fault.to = read_hosts(reading, *to);
        if (fault.kind != FaultKind::partition)
            to->refuse(fmt::format("a {} has no other side", to_string(fault.kind)), "leave it out");
        for (const std::string& host : fault.to)
            if (std::find(fault.targets.begin(), fault.targets.end(), host) != fault.targets.end())
                to->refuse(fmt::format("'{}' is on both sides", host));
    }
    fault.id = fmt::format("fault-{}", reading.fault_ids.size() + 1);
    const auto id = mapping.optional("as");
    if (id) fault.id = id->name();
    if (!reading.fault_ids.insert(fault.id).second)
        (id ? *id : value).refuse(fmt::format("there is another fault '{}'", fault.id));
    if (fault.id == "all") id->refuse("'all' stands for every fault", "choose another name");
    if (const auto duration = mapping.optional("for")) fault.duration = duration->duration(1ms, longest_wait);
    read_service_settings(reading, mapping, fault);
    mapping.refuse_unknown_keys();
    return fault;
}

void read_step(Reading& reading, const config::Value& value) {
    config::Mapping mapping = value.mapping();
    const auto expect = mapping.optional("expect");
    const auto fault = mapping.optional("fault");
    const auto heal = mapping.optional("heal");
    const auto wait = mapping.optional("wait");
    mapping.refuse_unknown_keys();
    const int given = (expect ? 1 : 0) + (fault ? 1 : 0) + (heal ? 1 : 0) + (wait ? 1 : 0);
    if (given != 1) {
        if (value.is_mapping())
            mapping.refuse("is not one step", "write one of expect:, fault:, heal: or wait:");
        return;
    }
    Step step;
    step.place = value.place().message_prefix();
    if (expect) step.what = read_expect(reading, *expect);
    if (fault) step.what = read_fault(reading, *fault);
    if (wait) step.what = Wait{wait->duration(0ms, longest_wait)};
    if (heal) {
        const std::string id = heal->text();
        if (heal->is_scalar() && id != "all" && !reading.fault_ids.contains(id))
            heal->refuse(fmt::format("there is no fault '{}' before this step", id),
                         "name a fault's as: or all");
        step.what = Heal{id == "all" ? std::string() : id};
    }
    reading.scenario.steps.push_back(std::move(step));
}

using Count = std::optional<std::int64_t> Always::*;

void read_counts(const config::Value& value, const std::vector<std::pair<const char*, Count>>& known,
                 Always& always) {
    config::Mapping counts = value.mapping();
    for (const auto& [key, member] : known)
        if (const auto count = counts.optional(key)) always.*member = count->integer(0, 1'000'000'000);
    counts.refuse_unknown_keys();
}

void read_always(Reading& reading, const config::Value& value) {
    Always& always = reading.scenario.always;
    for (const config::Value& element : value.sequence()) {
        config::Mapping mapping = element.mapping();
        if (const auto most = mapping.optional("at_most_one_active"))
            always.at_most_one_active = most->boolean();
        if (const auto payments = mapping.optional("acknowledged_payments"))
            read_counts(*payments, {{"lost", &Always::lost}, {"duplicated", &Always::duplicated}}, always);
        if (const auto messages = mapping.optional("acknowledged_messages"))
            read_counts(*messages,
                        {{"lost", &Always::messages_lost},
                         {"duplicated", &Always::messages_duplicated},
                         {"out_of_turn", &Always::messages_out_of_turn}},
                        always);
        mapping.refuse_unknown_keys();
    }
}

Result<Scenario> read(const config::Node& document, const std::string& file,
                      const topology::Topology& topology) {
    Reading reading{topology, {}, {}, {}, {}};
    reading.scenario.file = file;
    for (const topology::Host& host : topology::hosts(topology)) reading.host_names.push_back(host.name);
    const config::Value whole(document, "", reading.diagnostics);
    config::Mapping root = whole.mapping();
    if (!whole.is_mapping()) return reading.diagnostics.outcome().error();
    if (const auto name = root.required("name")) reading.scenario.name = name->text();
    if (const auto description = root.optional("description"))
        reading.scenario.description = description->text();
    if (const auto steps = root.required("steps"))
        for (const config::Value& step : steps->sequence()) read_step(reading, step);
    if (const auto always = root.optional("always")) read_always(reading, *always);
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(reading.diagnostics.outcome());
    return std::move(reading.scenario);
}

}  // namespace

Result<Scenario> load_scenario(const std::string& path, const topology::Topology& topology) {
    UNDERSTUDY_TRY(const config::Node document, config::load_file(path));
    return read(document, path, topology);
}

Result<Scenario> parse_scenario(std::string_view text, const std::string& file_name,
                                const topology::Topology& topology) {
    UNDERSTUDY_TRY(const config::Node document, config::parse_text(text, file_name));
    return read(document, file_name, topology);
}

}  // namespace understudy::scenario
