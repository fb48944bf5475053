// SPDX-License-Identifier: Apache-2.0
// LISTEN, NOTIFY and UNLISTEN (PostgreSQL manual, SQL commands). PendingNotifications is what one session's
// transaction has asked for: it takes effect at COMMIT, and a savepoint takes it back. NotificationBoard is
// who listens to what, and what waits for each session until it is between two transactions. Pure; the
// process IDs stand for the sessions. Both are bounded: a client that doesn't read, or stays in a
// transaction, makes NOTIFY fail (54000), as PostgreSQL's full queue does.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "storage/database/core/savepoints.hpp"
#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

constexpr std::size_t max_channel_bytes = 63;
constexpr std::size_t max_payload_bytes = 7'999;
constexpr std::size_t max_channels = 1'000;                        // of a session
constexpr std::size_t max_notification_bytes = 8UL * 1024 * 1024;  // of a transaction, and waiting for one

struct Notification {
    std::int32_t process_id = 0;  // the sender's
    std::string channel;
    std::string payload;
    bool operator==(const Notification&) const = default;
};

class PendingNotifications {
  public:
    using Status = std::optional<SqlError>;
    struct Listen {
        std::string channel;
    };
    struct Unlisten {
        std::string channel;
    };
    struct UnlistenAll {};
    using Action = std::variant<Listen, Unlisten, UnlistenAll>;

    Status act(Action action);
    Status notify(std::string channel, std::string payload);  // the same once more changes nothing
    void savepoint(const std::string& name);
    void release(const std::string& name) { savepoints_.release(name); }
    void roll_back_to(const std::string& name);
    void clear();

    bool any() const { return !actions_.empty() || !sent_.empty(); }
    const std::vector<Action>& actions() const { return actions_; }
    const std::vector<Notification>& sent() const { return sent_; }  // without their sender

  private:
    struct Counts {
        std::size_t actions = 0, sent = 0;
    };
    std::vector<Action> actions_;
    std::vector<Notification> sent_;
    std::set<std::pair<std::string, std::string>> known_;
    std::size_t bytes_ = 0;
    Savepoints<Counts> savepoints_;
};

class NotificationBoard {
  public:
    // Whether all who listen have room for them, and this session for what it will listen to.
    std::optional<SqlError> admit(std::int32_t session, const PendingNotifications& pending) const;
    // At COMMIT. Gives the other sessions for which something waits now.
    std::vector<std::int32_t> commit(std::int32_t session, const PendingNotifications& pending);
    std::vector<Notification> take(std::int32_t session);
    bool listening(std::int32_t session) const { return listeners_.contains(session); }
    void leave(std::int32_t session) { listeners_.erase(session); }

  private:
    struct Listener {
        std::set<std::string> channels;
        std::deque<std::shared_ptr<const Notification>> waiting;
        std::size_t bytes = 0;
    };
    std::map<std::int32_t, Listener> listeners_;
};

}  // namespace understudy::database
