// SPDX-License-Identifier: Apache-2.0
// The mount's connection to the file service, which outlives any one TCP connection.
//
//   connecting --attached--> ready --silence, reset--> connecting (same incarnation: "#resume")
//        \--one client lease without getting ready again, or refused as stale--> the session is lost: a new
//        incarnation connects
//
// A request waits over a reconnection: locks are reclaimed, fids are walked to again by path and opened
// again, then what was not answered is sent again, in the order it was asked. How long it waits for a server
// that is away is `on_loss`; then it fails with EIO. When the session is lost, requests on files that are
// open fail with EIO at once, and those files are dead for good (ESTALE): what their holder believed locked
// may have been another's in between. Fids of directories and files that were not open are walked to again
// under the new session. A server without leases frees locks with the connection: there, locks don't outlive
// it either.
//
// The lease is counted here from when the last answered message was *sent*, at the server from when it
// arrived: this side always gives up first. Liveness: a Tstatfs is sent every quarter of the lease; when
// nothing at all arrives for a quarter after one was sent, the connection is given up (TCP_USER_TIMEOUT set
// to the same), so black-holed packets are noticed as fast as a reset. A server that refuses to attach is
// asked again after a second. One thread (the executor's).
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
#include "storage/files/core/message.hpp"
#include "storage/files/core/on_loss.hpp"
#include "storage/files/io/frame_stream.hpp"
#include "storage/files/mount/fid_table.hpp"
#include "storage/files/mount/held_locks.hpp"
#include "storage/files/mount/request.hpp"

namespace understudy::files {

struct LinkOptions {
    Endpoint server;
    std::string share;
    std::string client;
    OnLoss on_loss{};
    std::string key{};  // of the share; empty: none is given
};

class Link {
  public:
    Link(boost::asio::any_io_executor executor, LinkOptions options, io::EventWriter& events);

    // Connects and keeps connected until close(). Emits `ready` and `not_ready`; `on_ready` is called at the
    // first.
    boost::asio::awaitable<void> run(std::function<bool()> on_ready);

    // Asks and waits. Several requests are on their way at once by sending all before waiting for any.
    boost::asio::awaitable<Answer> call(Body request, Abandoned abandoned);
    RequestPtr send(Body request, Abandoned abandoned);
    boost::asio::awaitable<Answer> answer(RequestPtr request);  // once for each

    // For a lock that is waited for: silence on it says nothing about the connection.
    RequestPtr send_lock(const Tlock& request);
    // Asks the server to forget it (Tflush). It is answered with EINTR, or as if it had not been given up.
    void give_up(const RequestPtr& request);
    // None when the server is away, or is lost before it has answered.
    boost::asio::awaitable<std::optional<Answer>> call_while_ready(Body request);
    // Waits for its answer however long the server is away; fails only with the session, or close().
    boost::asio::awaitable<Answer> call_until_known(Body request);

    // Whether requests on a fid may be sent before the one that makes it was answered: until a server is
    // found that doesn't serve them in order. came_too_early() tells that of an answer to such a request,
    // which is to be asked again then.
    bool keeps_order() const { return keeps_order_; }
    bool came_too_early(const Answer& answer);
    // Whether a read that gives less than was asked for has met the file's end.
    bool reads_fully() const { return has_lease_; }

    // The share's delegation (core/delegation.hpp). Asks for it, not again within 50 ms and where it isn't
    // held; nobody waits. `on_delegation` is told when it is held; when its connection is lost, so that
    // nobody but this client changes anything until the lease ends or it attaches anew; and when it is over:
    // when the call returns everything must be forgotten.
    enum class DelegationState { held, unconnected, over };
    void want_delegation();
    void on_delegation(std::function<void(DelegationState)> callback) {
        delegation_changed_ = std::move(callback);
    }
    // For how long, from now, what was asked for under it may be remembered; zero without it.
    Duration delegated_for() const;

    // Ends the session at the server (clunks the root) within `limit`, then closes.
    boost::asio::awaitable<void> close(Duration limit);

    FidTable& fids() { return fids_; }
    const FidTable& fids() const { return fids_; }
    void forget(std::uint32_t fid);  // sends Tclunk, within 2 ms; nobody waits for its answer
    // Gone with this object: what it owns may outlive it.
    std::weak_ptr<Link*> weak() const { return self_; }

    // The locks this mount holds, to be asked for again when the server was restarted.
    HeldLocks& locks() { return locks_; }

    Duration lease() const { return lease_; }
    // Whether the server can't have given to others what it granted this session: false as soon as its lease
    // is over, before anybody has noticed.
    bool holds_lease(Instant now) const;
    // The share's root and its space, as the server told them last; from the first `ready` on something true
    // enough.
    const Rgetattr& root() const { return root_; }
    const Rstatfs& space() const { return space_; }
    bool is_ready() const { return ready_; }
    // Whoever has waited since then for a server that is away has waited long enough.
    bool is_overdue(Instant since) const;
    std::uint64_t connections() const { return connections_; }  // how many there have been so far
    std::uint32_t data_bytes() const { return message_bytes_ - read_write_overhead; }

  private:
    boost::asio::awaitable<bool> connect();
    boost::asio::awaitable<bool> attach();
    // Proves that this client has the share's key (io/share_key.hpp): the fid to attach with, no_fid without
    // a key; none when the server refuses or is gone.
    boost::asio::awaitable<std::optional<std::uint32_t>> prove_key(std::string user);
    boost::asio::awaitable<void> learn_lease();
    boost::asio::awaitable<bool> restore();
    boost::asio::awaitable<bool> restore_fids(std::vector<std::uint32_t> fids);
    boost::asio::awaitable<void> walk_deep(std::uint32_t fid, std::vector<std::string> names);
    void arrived(std::uint32_t fid, const std::vector<Qid>* qids);
    boost::asio::awaitable<bool> reclaim_locks();
    boost::asio::awaitable<void> ask_for_delegation(std::shared_ptr<FrameStream> stream);
    void end_delegation(DelegationState now);
    boost::asio::awaitable<void> keep_alive();
    void look_after_the_lease(Instant now);
    void fail_overdue();
    bool is_silent(Instant now) const;
    boost::asio::awaitable<void> read_replies(std::shared_ptr<FrameStream> stream);
    RequestPtr make(Body request);
    RequestPtr send_control(Body request);
    boost::asio::awaitable<Answer> control(Body request);
    Duration step_limit() const;
    void transmit(const RequestPtr& request);
    void put_off(const RequestPtr& request);
    void send_put_off();
    void send_waiting();
    void flushed(const RequestPtr& request);
    void disconnected(const std::string& reason);
    void refused(const std::string& reason);
    void lose_session(const std::string& reason);
    void complete(const RequestPtr& request, Answer answer);
    void fail(const std::function<bool(const Request&)>& condition, int error);
    std::uint16_t new_tag();

    boost::asio::any_io_executor executor_;
    LinkOptions options_;
    io::EventWriter& events_;
    std::shared_ptr<FrameStream> stream_;
    boost::asio::steady_timer changed_;  // cancelled when the connection ends
    std::string incarnation_;
    bool attached_once_ = false;  // under this incarnation
    bool keeps_order_ = true;
    bool has_lease_ = false;  // the server knows leases
    bool ready_ = false, closing_ = false, was_ready_ = false;
    bool bound_ = false;    // the connection's messages renew the lease
    bool refused_ = false;  // the last try to attach
    std::string refusal_;   // why the server refuses to attach, as long as it does
    std::uint32_t message_bytes_ = max_message_bytes;
    std::uint64_t connections_ = 0;
    Duration lease_ = 30s;
    Instant lease_from_{}, last_heard_{}, away_since_{}, session_lost_at_{};
    std::map<std::uint16_t, RequestPtr> waiting_;
    std::vector<RequestPtr> put_off_;
    boost::asio::steady_timer put_off_ends_;
    bool put_off_ends_soon_ = false;
    std::map<std::uint16_t, RequestPtr> flushes_;  // by the Tflush's tag: what it gives up
    FidTable fids_;
    HeldLocks locks_;
    Rgetattr root_{};
    Rstatfs space_{};
    bool delegated_ = false, delegation_asked_ = false;
    Instant delegation_asked_at_{};
    std::function<void(DelegationState)> delegation_changed_ = [](DelegationState) {};
    std::uint16_t next_tag_ = 0;
    std::uint64_t next_order_ = 0;
    std::shared_ptr<Link*> self_ = std::make_shared<Link*>(this);
};

}  // namespace understudy::files
