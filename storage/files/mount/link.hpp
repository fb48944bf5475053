// SPDX-License-Identifier: Apache-2.0
// The mount's connection to the file service, which outlives any one TCP connection.
//
//   connecting --attached--> ready --silence, reset--> connecting (same incarnation: "#resume")
//        \--one client lease without an answer, or refused as stale--> the session is lost: a new incarnation
//        connects
//
// A request waits over a reconnection: fids are walked to again by path and opened again, locks are
// reclaimed, then what was not answered is sent again. When the session is lost, everything waiting fails
// with EIO, and so does a request that found no session for a whole lease. Fids that were open under a lost
// session are dead for good (ESTALE): what their holder believed locked may have been another's in between.
// Fids of directories and files that were not open are walked to again under the new session. The lease is
// counted here from when the last answered message was *sent*, at the server from when it arrived: this side
// always gives up first. Liveness: a Tstatfs is sent every quarter of the lease; when nothing at all arrives
// for a quarter after one was sent, the connection is given up (TCP_USER_TIMEOUT set to the same), so
// black-holed packets are noticed as fast as a reset. One thread (the executor's).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/io/event_writer.hpp"
#include "base/time.hpp"
#include "storage/files/core/lock_table.hpp"
#include "storage/files/core/message.hpp"
#include "storage/files/io/frame_stream.hpp"

namespace understudy::files {

struct LinkOptions {
    Endpoint server;
    std::string share;
    std::string client;
};

// A reply, or an errno. `repeated`: the request was sent more than once, so an error may be its own earlier
// success.
struct Answer {
    Body body;
    int error = 0;
    bool repeated = false;
};

using Path = std::vector<std::string>;  // names from the root of the share

// Set to true by whoever no longer waits for an answer: the request isn't sent again after a reconnection.
using Abandoned = std::shared_ptr<const bool>;

class Link {
  public:
    Link(boost::asio::any_io_executor executor, LinkOptions options, io::EventWriter& events);

    // Connects and keeps connected until close(). Emits `ready` and `not_ready`; `on_ready` is called at the
    // first.
    boost::asio::awaitable<void> run(std::function<bool()> on_ready);

    boost::asio::awaitable<Answer> call(Body request, Abandoned abandoned);

    // Ends the session at the server (clunks the root) within `limit`, then closes.
    boost::asio::awaitable<void> close(Duration limit);

    // Fids. The root's is 0. A fid is known by its path, to be found again by it.
    std::uint32_t new_fid();
    // With an empty qid the number is only kept taken, while the server has not yet answered.
    void know(std::uint32_t fid, Path path, const Qid& qid);
    void know_open(std::uint32_t fid, std::uint32_t flags);  // how to open it again
    void forget(std::uint32_t fid);                          // sends Tclunk; nobody waits for its answer
    bool is_dead(std::uint32_t fid) const;                   // lost with a session, or not found again
    const Path* path(std::uint32_t fid) const;
    Qid qid(std::uint32_t fid) const;
    void renamed(const Path& from, const Path& to);  // whatever is at or below `from`
    void unlinked(const Path& path);

    // The locks this mount holds, to be asked for again when the server was restarted.
    void locked(std::uint64_t inode, const Tlock& granted);  // or unlocked, by its type
    bool holds_locks(std::uint64_t inode, const std::string& client_id) const;

    Duration lease() const { return lease_; }
    bool is_ready() const { return ready_; }
    std::uint32_t data_bytes() const { return message_bytes_ - read_write_overhead; }

  private:
    struct Waiting {
        std::string frame;
        Instant since, sent;
        bool is_sent = false, repeated = false;
        bool control = false;  // part of connecting: never sent again, fails with its connection
        Abandoned abandoned;
        std::shared_ptr<boost::asio::steady_timer> wake;
        std::optional<Answer> answer;
    };
    struct Fid {
        Path path;
        Qid qid;
        std::optional<std::uint32_t> open_flags;
        bool gone = false;  // unlinked: can't be found by path again
        bool dead = false;
    };
    using WaitingPtr = std::shared_ptr<Waiting>;

    boost::asio::awaitable<bool> connect();
    boost::asio::awaitable<bool> attach();
    boost::asio::awaitable<void> learn_lease();
    boost::asio::awaitable<bool> restore();
    boost::asio::awaitable<void> restore_fid(std::uint32_t fid);
    boost::asio::awaitable<bool> reclaim_locks();
    boost::asio::awaitable<void> keep_alive();
    boost::asio::awaitable<void> ping();
    boost::asio::awaitable<void> read_replies(std::shared_ptr<FrameStream> stream);
    boost::asio::awaitable<Answer> control(Body request);
    boost::asio::awaitable<Answer> wait_for(std::uint16_t tag, WaitingPtr waiting);
    Duration step_limit() const;
    void send(const WaitingPtr& waiting);
    void send_waiting();
    void disconnected(const std::string& reason);
    void lose_session(const std::string& reason);
    void complete(std::uint16_t tag, Answer answer);
    void fail_waiting(bool control_only);
    std::uint16_t new_tag();

    boost::asio::any_io_executor executor_;
    LinkOptions options_;
    io::EventWriter& events_;
    std::shared_ptr<FrameStream> stream_;
    boost::asio::steady_timer changed_;  // cancelled when the connection ends
    std::string incarnation_;
    bool attached_once_ = false;  // under this incarnation
    bool ready_ = false, closing_ = false, was_ready_ = false;
    std::uint32_t message_bytes_ = max_message_bytes;
    Duration lease_ = 30s;
    Instant lease_from_{}, last_heard_{};
    std::map<std::uint16_t, WaitingPtr> waiting_;
    std::map<std::uint32_t, Fid> fids_;
    LockTable locks_;
    bool bound_ = false;  // the connection is attached: its messages renew the lease
    std::uint16_t next_tag_ = 0;
    std::uint32_t next_fid_ = 1;
};

}  // namespace understudy::files
