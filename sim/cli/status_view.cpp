// SPDX-License-Identifier: Apache-2.0
#include "sim/cli/status_view.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/time.hpp"

namespace understudy::cli {
namespace {

std::string cell(const json::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || value->is_null()) return "-";
    return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

const json::array& list_of(const json::object& object, const char* name) {
    static const json::array none;
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string range_of(const json::object& lock) {
    if (cell(lock, "kind") == "whole_file") return "whole file";
    if (cell(lock, "first") == "0" && cell(lock, "last") == "-") return "all of it";
    return fmt::format("bytes {} to {}", cell(lock, "first"),
                       cell(lock, "last") == "-" ? "the end" : cell(lock, "last"));
}

std::string file_service_text(const json::object& service) {
    std::string text = fmt::format("\n  {}", cell(service, "name"));
    if (service.contains("error")) return text + fmt::format(": {}\n", cell(service, "error"));
    text += "\n";
    for (const auto& entry : list_of(service, "shares")) {
        const auto& share = entry.as_object();
        for (const auto& session : list_of(share, "sessions"))
            text += fmt::format("    {:<16} mounted\n", cell(session.as_object(), "client"));
        for (const char* list : {"locks", "waiting"})
            for (const auto& it : list_of(share, list)) {
                const auto& lock = it.as_object();
                text += fmt::format("    {:<16} {} {} {} ({})\n", cell(lock, "client"),
                                    list == std::string_view("locks") ? "holds" : "waits for",
                                    cell(lock, "mode"), cell(lock, "path"), range_of(lock));
            }
    }
    return text;
}

std::string database_text(const json::object& database) {
    std::string text = fmt::format("\n  {}", cell(database, "name"));
    if (database.contains("error")) return text + fmt::format(": {}\n", cell(database, "error"));
    text += fmt::format(": {} of {} connections", cell(database, "connections"),
                        cell(database, "max_connections"));
    if (cell(database, "frozen") == "true") text += ", frozen";
    if (cell(database, "commits_waiting") != "0")
        text += fmt::format(", {} commits wait", cell(database, "commits_waiting"));
    if (const auto* step = database.if_contains("clock_step_ms");
        step != nullptr && step->is_int64() && step->get_int64() != 0)
        text += fmt::format(", clock {} {}",
                            format_duration(std::chrono::milliseconds(std::abs(step->get_int64()))),
                            step->get_int64() > 0 ? "ahead" : "behind");
    return text + "\n";
}

}  // namespace

std::string status_text(const json::object& status) {
    const auto* uptime = status.if_contains("uptime_ms");
    const Duration up = std::chrono::milliseconds(uptime == nullptr ? 0 : uptime->to_number<std::int64_t>());
    std::string text = fmt::format("region {}: {}, world {}, accelerator {}, up {}, active {}\n\n",
                                   cell(status, "name"), cell(status, "state"), cell(status, "world"),
                                   cell(status, "accelerator"), format_duration(up), cell(status, "active"));
    text += fmt::format("  {:<18} {:<4} {:<16} {:<10} {:<16} {}\n", "HOST", "KIND", "ADDRESS", "STATE",
                        "ROLE", "FAULT DOMAIN");
    for (const auto& entry : list_of(status, "hosts")) {
        const auto& host = entry.as_object();
        text += fmt::format("  {:<18} {:<4} {:<16} {:<10} {:<16} {}\n", cell(host, "name"),
                            cell(host, "kind"), cell(host, "address"), cell(host, "state"),
                            cell(host, "role"), cell(host, "fault_domain"));
    }
    for (const auto& entry : list_of(status, "load_balancers")) {
        const auto& balancer = entry.as_object();
        text += fmt::format("\n  {} at {}\n", cell(balancer, "name"), cell(balancer, "address"));
        for (const auto& member : list_of(balancer, "backends")) {
            const auto& backend = member.as_object();
            const bool healthy = backend.at("healthy").as_bool();
            text += fmt::format("    {:<16} {:<10} {}\n", cell(backend, "host"),
                                healthy ? "healthy" : "unhealthy", cell(backend, "reason"));
        }
    }
    for (const auto& entry : list_of(status, "file_services")) text += file_service_text(entry.as_object());
    for (const auto& entry : list_of(status, "databases")) text += database_text(entry.as_object());
    text += "\n";
    if (list_of(status, "faults").empty()) text += "  no fault is in force\n";
    for (const auto& entry : list_of(status, "faults"))
        text += fmt::format("  fault {}\n", cell(entry.as_object(), "detail"));
    return text;
}

}  // namespace understudy::cli
