// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario/core/scenario.hpp"

namespace understudy::scenario {
namespace {

std::string in_words(const ActiveExpectation& expected) {
    switch (expected.kind) {
        case ActiveExpectation::Kind::host:
            return expected.host;
        case ActiveExpectation::Kind::any:
            return "any";
        case ActiveExpectation::Kind::none:
            return "none";
        case ActiveExpectation::Kind::other:
            break;
    }
    return "another host than before the fault";
}

}  // namespace

const std::vector<std::string>& fault_kind_names() {
    static const std::vector<std::string> names{
        "power-off",    "reset",           "pause",           "kill",
        "stop",         "partition",       "share-stall",     "share-error",
        "share-slow",   "share-read-only", "share-cut-off",   "share-power-loss",
        "db-freeze",    "db-refuse",       "db-slow-commits", "db-read-only",
        "db-disk-full", "db-clock-step",   "db-power-loss"};
    return names;
}

const char* to_string(FaultKind kind) {
    return fault_kind_names()[static_cast<std::size_t>(kind)].c_str();
}

std::string name_at_service(FaultKind kind) {
    const std::string name = to_string(kind);
    return name.substr(name.find('-') + 1);
}

const char* instead_on_postgresql(FaultKind kind) {
    switch (kind) {
        case FaultKind::db_freeze:
            return "use pause";
        case FaultKind::db_refuse:
            return "use stop unit=database: connections are refused then, by its host";
        case FaultKind::db_power_loss:
            return "use power-off, or kill unit=database: what it has written stays in this machine's memory";
        default:
            return "use engine: sqlite";
    }
}

std::string in_words(const Expect& expect) {
    std::string text;
    if (expect.active) text += "active " + in_words(*expect.active);
    if (expect.clients)
        text +=
            std::string(text.empty() ? "" : " and ") +
            (*expect.clients == ClientsExpectation::succeeding ? "clients succeeding" : "clients failing");
    return text;
}

}  // namespace understudy::scenario
