// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/core/fault_ledger.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/suggest.hpp"

namespace understudy::lab {
namespace {

Error bad(std::string subject, std::string reason, std::string remedy) {
    return Error(ErrorKind::bad_input, std::move(subject), std::move(reason)).with_remedy(std::move(remedy));
}

bool is_moment(FaultKind kind) {
    return kind == FaultKind::reset || kind == FaultKind::kill || kind == FaultKind::share_power_loss ||
           kind == FaultKind::db_power_loss;
}

bool is_of_service(FaultKind kind) {
    return scenario::is_share_fault(kind) || scenario::is_database_fault(kind);
}

Effect::Kind beginning(FaultKind kind) {
    switch (kind) {
        case FaultKind::power_off:
            return Effect::Kind::power_off;
        case FaultKind::reset:
            return Effect::Kind::reset;
        case FaultKind::pause:
            return Effect::Kind::pause;
        case FaultKind::kill:
            return Effect::Kind::kill_unit;
        case FaultKind::stop:
            return Effect::Kind::stop_unit;
        case FaultKind::partition:
            return Effect::Kind::cut;
        default:
            if (is_of_service(kind)) return Effect::Kind::service_fault;
    }
    invariant_broken("kind", "a FaultKind outside the enumeration", __FILE__, __LINE__);
}

Effect at_service(const FaultRequest& request, const std::string& host) {
    std::vector<std::string> words{scenario::name_at_service(request.kind)};
    for (const auto& [key, value] : request.settings) words.push_back(key + "=" + value);
    return {Effect::Kind::service_fault, host, request.name, std::move(words)};
}

std::string unit_of(const FaultRequest& request) {
    return request.kind == FaultKind::kill || request.kind == FaultKind::stop ? request.unit : "";
}

std::tuple<FaultKind, std::string, std::string> hold_key(const FaultRequest& request,
                                                         const std::string& host) {
    return {request.kind, host, unit_of(request)};
}

Effect::Kind undoing(FaultKind kind) {
    if (kind == FaultKind::power_off) return Effect::Kind::power_on;
    if (kind == FaultKind::pause) return Effect::Kind::resume;
    UNDERSTUDY_ASSERT(kind == FaultKind::stop, "only states of a host are undone host by host");
    return Effect::Kind::start_unit;
}

}  // namespace

Result<FaultKind> parse_fault_kind(std::string_view text) {
    const auto& names = scenario::fault_kind_names();
    const auto found = std::find(names.begin(), names.end(), text);
    if (found != names.end()) return static_cast<FaultKind>(found - names.begin());
    return bad(fmt::format("fault '{}'", text), "is not known",
               fmt::format("use one of {}", fmt::join(names, ", ")));
}

std::string in_words(const FaultRequest& request) {
    std::string text = fmt::format("{} {}", to_string(request.kind), fmt::join(request.targets, ", "));
    if (request.kind == FaultKind::partition)
        text += request.others.empty() ? " from everyone"
                                       : fmt::format(" from {}", fmt::join(request.others, ", "));
    for (const auto& [key, value] : request.settings) text += fmt::format(", {} {}", key, value);
    if (request.kind == FaultKind::kill || request.kind == FaultKind::stop) text += " (" + request.unit + ")";
    return text;
}

Result<void> FaultLedger::check_service(FaultKind kind, const std::string& host) const {
    const bool of_share = scenario::is_share_fault(kind);
    const std::set<std::string>& known = of_share ? services_.files : services_.databases;
    const std::string subject = fmt::format("fault {}", to_string(kind));
    if (!known.contains(host))
        return bad(subject, fmt::format("'{}' is no {}", host, of_share ? "file service" : "database"),
                   known.empty() ? "the topology has none"
                                 : fmt::format("{}: {}", of_share ? "file services" : "databases",
                                               fmt::join(known, ", ")));
    if (services_.postgresql.contains(host) && kind != FaultKind::db_read_only)
        return bad(subject, fmt::format("'{}' is a PostgreSQL server, which can't do that", host),
                   scenario::instead_on_postgresql(kind));
    return {};
}

Result<FaultLedger::Applied> FaultLedger::apply(FaultRequest request, Instant now) {
    const std::string subject = fmt::format("fault {}", to_string(request.kind));
    if (request.targets.empty()) return bad(subject, "has no target", "name at least one host");
    const std::vector<std::string> known(hosts_.begin(), hosts_.end());
    for (const auto* side : {&request.targets, &request.others})
        for (const std::string& host : *side) {
            if (hosts_.contains(host)) continue;
            const auto meant = nearest(host, known);
            return bad(subject, fmt::format("host '{}' does not exist", host),
                       meant ? fmt::format("did you mean '{}'?", *meant)
                             : fmt::format("hosts: {}", fmt::join(known, ", ")));
        }
    if (request.kind == FaultKind::partition && links(request).empty())
        return bad(subject, "both sides are the same host", "name a host on the other side: to=HOST");
    if (is_of_service(request.kind))
        for (const std::string& host : request.targets) UNDERSTUDY_CHECK(check_service(request.kind, host));
    if (request.name.empty()) request.name = fmt::format("f{}", next_number_++);
    for (const Fault& fault : in_force_)
        if (fault.id == request.name)
            return bad(subject, fmt::format("'{}' is in force already", request.name),
                       "heal it first, or use another name");
    Applied applied{request.name, is_moment(request.kind), begin(request)};
    if (!applied.heals_itself) {
        const auto heals_at = request.lasts ? std::optional(now + *request.lasts) : std::nullopt;
        in_force_.push_back({request.name, std::move(request), now, heals_at});
    }
    return applied;
}

Result<std::vector<Effect>> FaultLedger::heal(const std::string& id) {
    const auto found =
        std::find_if(in_force_.begin(), in_force_.end(), [&](const Fault& fault) { return fault.id == id; });
    if (found == in_force_.end()) {
        std::vector<std::string> ids;
        for (const Fault& fault : in_force_) ids.push_back(fault.id);
        return bad(fmt::format("fault '{}'", id), "is not in force",
                   ids.empty() ? "no fault is" : fmt::format("in force: {}", fmt::join(ids, ", ")));
    }
    const FaultRequest request = std::move(found->request);
    in_force_.erase(found);
    return end(request);
}

std::optional<Deadline> FaultLedger::next_deadline() const {
    std::optional<Deadline> next;
    for (const Fault& fault : in_force_)
        if (fault.heals_at) next = earlier(next, Deadline{*fault.heals_at, "a fault's time is over"});
    return next;
}

std::vector<std::string> FaultLedger::due(Instant now) const {
    std::vector<std::string> ids;
    for (const Fault& fault : in_force_)
        if (fault.heals_at && *fault.heals_at <= now) ids.push_back(fault.id);
    return ids;
}

std::vector<FaultLedger::Link> FaultLedger::links(const FaultRequest& request) const {
    const std::vector<std::string> everyone(hosts_.begin(), hosts_.end());
    std::set<Link> unique;
    for (const std::string& one : request.targets)
        for (const std::string& other : request.others.empty() ? everyone : request.others) {
            if (one == other) continue;
            unique.insert({one, other});
            unique.insert({other, one});
        }
    return {unique.begin(), unique.end()};
}

std::vector<Effect> FaultLedger::begin(const FaultRequest& request) {
    std::vector<Effect> effects;
    if (request.kind == FaultKind::partition) {
        for (const Link& link : links(request))
            if (cuts_[link]++ == 0) effects.push_back({Effect::Kind::cut, link.first, link.second, {}});
        return effects;
    }
    if (is_of_service(request.kind)) {
        for (const std::string& host : request.targets) effects.push_back(at_service(request, host));
        return effects;
    }
    for (const std::string& host : request.targets)
        if (is_moment(request.kind) || holds_[hold_key(request, host)]++ == 0)
            effects.push_back({beginning(request.kind), host, unit_of(request), {}});
    return effects;
}

std::vector<Effect> FaultLedger::of_service(const std::string& host) const {
    std::vector<Effect> effects;
    for (const Fault& fault : in_force_)
        if (is_of_service(fault.request.kind) &&
            std::count(fault.request.targets.begin(), fault.request.targets.end(), host) != 0)
            effects.push_back(at_service(fault.request, host));
    return effects;
}

std::vector<Effect> FaultLedger::end(const FaultRequest& request) {
    std::vector<Effect> effects;
    if (request.kind == FaultKind::partition) {
        for (const Link& link : links(request)) {
            const auto cut = cuts_.find(link);
            UNDERSTUDY_ASSERT(cut != cuts_.end() && cut->second > 0, "a fault in force holds its cuts");
            if (--cut->second > 0) continue;
            cuts_.erase(cut);
            effects.push_back({Effect::Kind::mend, link.first, link.second, {}});
        }
        return effects;
    }
    if (is_of_service(request.kind)) {
        for (const std::string& host : request.targets)
            effects.push_back({Effect::Kind::service_heal, host, request.name, {}});
        return effects;
    }
    for (const std::string& host : request.targets) {
        const auto hold = holds_.find(hold_key(request, host));
        UNDERSTUDY_ASSERT(hold != holds_.end() && hold->second > 0, "a fault in force holds its hosts");
        if (--hold->second > 0) continue;
        holds_.erase(hold);
        effects.push_back({undoing(request.kind), host, unit_of(request), {}});
    }
    return effects;
}

}  // namespace understudy::lab
