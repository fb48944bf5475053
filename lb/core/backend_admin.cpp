// SPDX-License-Identifier: Apache-2.0
#include "lb/core/backend_admin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace understudy::lb {
namespace {

std::string flows(std::uint64_t count) {
    return count == 1 ? "1 established flow" : fmt::format("{} established flows", count);
}

}  // namespace

void BackendAdmin::enable(std::string reason) {
    if (std::holds_alternative<Enabled>(state_)) return;
    state_ = Enabled{};
    change(AdminChange::enabled, std::move(reason));
}

void BackendAdmin::disable(std::string reason) {
    if (std::holds_alternative<Disabled>(state_)) return;
    state_ = Disabled{};
    change(AdminChange::disabled, std::move(reason) + "; established flows go on");
}

void BackendAdmin::drain(Instant now, Duration limit, const std::string& reason) {
    if (!std::holds_alternative<Enabled>(state_)) return;
    state_ = Draining{now + std::min(flow_count_interval, limit), now + limit, limit, 0};
    change(AdminChange::draining, fmt::format("{}: no new flows, and the established ones have {} to end",
                                              reason, format_duration(limit)));
    actions_.emplace_back(FlowCountWanted{});
}

void BackendAdmin::stopped(const std::string& reason) {
    if (std::exchange(stopped_, true)) return;
    change(AdminChange::stopped, reason);
}

void BackendAdmin::started(const std::string& reason) {
    if (!std::exchange(stopped_, false)) return;
    change(AdminChange::started, reason);
}

void BackendAdmin::flows_left(std::uint64_t count) {
    auto* draining = std::get_if<Draining>(&state_);
    if (draining == nullptr) return;
    draining->left = count;
    if (count > 0) return;
    state_ = Disabled{};
    change(AdminChange::drained, "no established flow is left");
}

void BackendAdmin::on_timeout(Instant now) {
    auto* draining = std::get_if<Draining>(&state_);
    if (draining == nullptr) return;
    if (now >= draining->overdue) {
        const std::string text = fmt::format("{} ended at the drain timeout of {}", flows(draining->left),
                                             format_duration(draining->limit));
        state_ = Disabled{};
        actions_.emplace_back(DrainOverdue{text});
        change(AdminChange::drained, text);
        return;
    }
    if (now < draining->next_count) return;
    draining->next_count = std::min(now + flow_count_interval, draining->overdue);
    actions_.emplace_back(FlowCountWanted{});
}

std::optional<Deadline> BackendAdmin::next_deadline() const {
    const auto* draining = std::get_if<Draining>(&state_);
    if (draining == nullptr) return std::nullopt;
    return Deadline{std::min(draining->next_count, draining->overdue),
                    "a draining backend's flows are counted"};
}

std::vector<AdminAction> BackendAdmin::take_actions() {
    return std::exchange(actions_, {});
}

AdminState BackendAdmin::state() const {
    if (std::holds_alternative<Enabled>(state_)) return AdminState::enabled;
    return std::holds_alternative<Draining>(state_) ? AdminState::draining : AdminState::disabled;
}

void BackendAdmin::change(AdminChange what, std::string reason) {
    reason_ = reason;
    actions_.emplace_back(AdminChanged{what, std::move(reason)});
}

const char* to_string(AdminState state) {
    switch (state) {
        case AdminState::enabled:
            return "enabled";
        case AdminState::draining:
            return "draining";
        case AdminState::disabled:
            return "disabled";
    }
    invariant_broken("state", "an AdminState outside the enumeration", __FILE__, __LINE__);
}

const char* to_string(AdminChange change) {
    switch (change) {
        case AdminChange::enabled:
            return "enabled";
        case AdminChange::disabled:
            return "disabled";
        case AdminChange::draining:
            return "draining";
        case AdminChange::drained:
            return "drained";
        case AdminChange::stopped:
            return "stopped";
        case AdminChange::started:
            return "started";
    }
    invariant_broken("change", "an AdminChange outside the enumeration", __FILE__, __LINE__);
}

}  // namespace understudy::lb
