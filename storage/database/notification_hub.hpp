// SPDX-License-Identifier: Apache-2.0
// The board of notifications (core/notifications.hpp) shared by the sessions' threads. Notifications come in
// the order of the commits that sent them, which therefore follow one another; a session that waits for its
// client is woken by its descriptor. Any thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "base/io/unique_fd.hpp"
#include "storage/database/core/notifications.hpp"

namespace understudy::database {

class NotificationHub {
  public:
    // Commits with `commit` what belongs to these, unless they are refused.
    std::optional<SqlError> commit(std::int32_t session, const PendingNotifications& pending,
                                   const std::function<std::optional<SqlError>()>& commit);
    std::vector<Notification> take(std::int32_t session);
    // Readable while something came that wasn't taken since; -1: the session has never listened.
    int descriptor(std::int32_t session);
    void leave(std::int32_t session);

  private:
    std::mutex order_;  // of the commits that send
    std::mutex mutex_;
    NotificationBoard board_;
    std::map<std::int32_t, io::UniqueFd> descriptors_;
    // Each message of each session asks. A session that listens has seen to it itself.
    std::atomic<bool> anybody_listens_ = false;
};

}  // namespace understudy::database
