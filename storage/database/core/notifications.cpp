// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/notifications.hpp"

#include <fmt/format.h>

namespace understudy::database {
namespace {

std::size_t bytes_of(const Notification& notification) {
    return sizeof notification + notification.channel.size() + notification.payload.size();
}

void apply(const PendingNotifications::Action& action, std::set<std::string>& channels) {
    if (const auto* listen = std::get_if<PendingNotifications::Listen>(&action))
        channels.insert(listen->channel);
    else if (const auto* unlisten = std::get_if<PendingNotifications::Unlisten>(&action))
        channels.erase(unlisten->channel);
    else
        channels.clear();
}

}  // namespace

PendingNotifications::Status PendingNotifications::act(Action action) {
    if (actions_.size() >= 10 * max_channels)
        return SqlError{sqlstate::limit_exceeded,
                        fmt::format("more than {} LISTEN and UNLISTEN in a transaction", 10 * max_channels)};
    actions_.push_back(std::move(action));
    return std::nullopt;
}

PendingNotifications::Status PendingNotifications::notify(std::string channel, std::string payload) {
    constexpr const char* invalid_parameter_value = "22023";
    if (channel.empty()) return SqlError{invalid_parameter_value, "channel name cannot be empty"};
    if (channel.size() > max_channel_bytes) return SqlError{invalid_parameter_value, "channel name too long"};
    if (payload.size() > max_payload_bytes)
        return SqlError{invalid_parameter_value, "payload string too long"};
    if (!known_.emplace(channel, payload).second) return std::nullopt;
    sent_.push_back({0, std::move(channel), std::move(payload)});
    bytes_ += bytes_of(sent_.back());
    if (bytes_ <= max_notification_bytes) return std::nullopt;
    return SqlError{sqlstate::limit_exceeded, "too many notifications in this transaction"};
}

void PendingNotifications::savepoint(const std::string& name) {
    savepoints_.set(name, {actions_.size(), sent_.size()});
}

void PendingNotifications::roll_back_to(const std::string& name) {
    const auto counts = savepoints_.roll_back_to(name);
    if (!counts) return;
    actions_.resize(counts->actions);
    while (sent_.size() > counts->sent) {
        bytes_ -= bytes_of(sent_.back());
        known_.erase({sent_.back().channel, sent_.back().payload});
        sent_.pop_back();
    }
}

void PendingNotifications::clear() {
    *this = PendingNotifications();
}

std::optional<SqlError> NotificationBoard::admit(std::int32_t session,
                                                 const PendingNotifications& pending) const {
    for (const auto& [process_id, listener] : listeners_) {
        std::size_t bytes = listener.bytes;
        for (const auto& notification : pending.sent())
            if (listener.channels.contains(notification.channel)) bytes += bytes_of(notification);
        if (bytes > max_notification_bytes)
            return SqlError{sqlstate::limit_exceeded, "too many notifications in the NOTIFY queue"};
    }
    std::set<std::string> channels;
    if (const auto own = listeners_.find(session); own != listeners_.end()) channels = own->second.channels;
    for (const auto& action : pending.actions()) apply(action, channels);
    if (channels.size() > max_channels)
        return SqlError{sqlstate::limit_exceeded, fmt::format("more than {} channels", max_channels)};
    return std::nullopt;
}

std::vector<std::int32_t> NotificationBoard::commit(std::int32_t session,
                                                    const PendingNotifications& pending) {
    if (!pending.actions().empty()) {
        Listener& own = listeners_[session];
        for (const auto& action : pending.actions()) apply(action, own.channels);
        std::erase_if(own.waiting, [&](const auto& notification) {
            if (own.channels.contains(notification->channel)) return false;
            own.bytes -= bytes_of(*notification);
            return true;
        });
        if (own.channels.empty()) listeners_.erase(session);
    }
    std::vector<std::int32_t> told;
    for (const auto& sent : pending.sent()) {
        auto shared = std::make_shared<const Notification>(Notification{session, sent.channel, sent.payload});
        for (auto& [process_id, listener] : listeners_) {
            if (!listener.channels.contains(sent.channel)) continue;
            if (listener.waiting.empty() && process_id != session) told.push_back(process_id);
            listener.waiting.push_back(shared);
            listener.bytes += bytes_of(*shared);
        }
    }
    return told;
}

std::vector<Notification> NotificationBoard::take(std::int32_t session) {
    std::vector<Notification> taken;
    const auto own = listeners_.find(session);
    if (own == listeners_.end()) return taken;
    for (const auto& notification : own->second.waiting) taken.push_back(*notification);
    own->second.waiting.clear();
    own->second.bytes = 0;
    return taken;
}

}  // namespace understudy::database
