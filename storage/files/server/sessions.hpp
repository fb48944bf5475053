// SPDX-License-Identifier: Apache-2.0
// Drives the session machine of one share: hands it the clock, wakes it at its deadlines, and carries its
// actions out in one order: the live sessions are kept on disk, then the connections of ended sessions are
// closed, then events go out. One thread (the executor's).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/io/event_writer.hpp"
#include "storage/files/core/session_machine.hpp"

namespace understudy::files {

class Sessions {
  public:
    // `kept_in` is the file that names the live sessions over a restart of the server.
    Sessions(boost::asio::any_io_executor executor, std::string share, std::string kept_in, Duration lease,
             io::EventWriter& events);

    // Takes over what a server before this one left. Error kind environment when the file can't be read or
    // written.
    Result<void> restore();

    AttachOutcome attach(const ClientName& name);
    void heard(std::uint64_t session);
    void reclaim_done(std::uint64_t session) { machine_.reclaim_done(session); }
    void end(std::uint64_t session, const std::string& reason);

    // `path` is for events: what the client calls the file.
    LockOutcome lock(const LockedFile& file, const HeldLock& wanted, bool reclaim, const std::string& path);
    void unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range);
    std::optional<HeldLock> conflict(const LockedFile& file, const HeldLock& wanted) const {
        return machine_.conflict(file, wanted);
    }

    // Called when a session has ended or expired: its connections must serve nothing more.
    void on_ended(std::function<void(std::uint64_t session)> callback) { ended_ = std::move(callback); }

    Duration lease() const { return machine_.lease(); }

  private:
    void carry_out();
    void arm();
    Result<void> keep() const;
    void report(const SessionAction& action);

    SessionMachine machine_;
    boost::asio::steady_timer timer_;
    std::string share_, kept_in_;
    io::EventWriter& events_;
    std::function<void(std::uint64_t)> ended_;
    std::map<LockedFile, std::string>
        paths_;  // of files that are or were asked to be locked, for events; bounded
};

}  // namespace understudy::files
