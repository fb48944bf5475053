// SPDX-License-Identifier: Apache-2.0
#include "storage/database/notification_hub.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace understudy::database {

std::optional<SqlError> NotificationHub::commit(std::int32_t session, const PendingNotifications& pending,
                                                const std::function<std::optional<SqlError>()>& commit) {
    if (!pending.any()) return commit();
    std::unique_lock order(order_, std::defer_lock);
    if (!pending.sent().empty()) order.lock();
    {
        const std::lock_guard lock(mutex_);
        if (auto error = board_.admit(session, pending)) return error;
        const auto& actions = pending.actions();
        const bool listens = std::any_of(actions.begin(), actions.end(), [](const auto& action) {
            return std::holds_alternative<PendingNotifications::Listen>(action);
        });
        if (listens && !descriptors_.contains(session)) {
            io::UniqueFd made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
            if (made.get() < 0) return SqlError{"53000", "no descriptor is left to listen with"};
            descriptors_[session] = std::move(made);
            anybody_listens_ = true;
        }
    }
    if (auto error = commit()) return error;
    const std::lock_guard lock(mutex_);
    for (const auto told : board_.commit(session, pending)) ::eventfd_write(descriptors_[told].get(), 1);
    return std::nullopt;
}

std::vector<Notification> NotificationHub::take(std::int32_t session) {
    if (!anybody_listens_) return {};
    const std::lock_guard lock(mutex_);
    const auto found = descriptors_.find(session);
    if (found == descriptors_.end()) return {};
    eventfd_t ignored = 0;
    ::eventfd_read(found->second.get(), &ignored);
    return board_.take(session);
}

int NotificationHub::descriptor(std::int32_t session) {
    if (!anybody_listens_) return -1;
    const std::lock_guard lock(mutex_);
    const auto found = descriptors_.find(session);
    return found == descriptors_.end() ? -1 : found->second.get();
}

void NotificationHub::leave(std::int32_t session) {
    const std::lock_guard lock(mutex_);
    board_.leave(session);
    descriptors_.erase(session);
    anybody_listens_ = !descriptors_.empty();
}

}  // namespace understudy::database
