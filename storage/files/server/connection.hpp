// SPDX-License-Identifier: Apache-2.0
// One client's connection: decodes requests, runs them side by side, and answers each. Locks and sessions are
// decided on the connection's own thread, and so is what the host's memory answers (host_at_once.hpp), while
// nothing else of the fid is running. Other file operations run in the file pool, those of one fid in the
// order they came. What names a fid that an earlier request makes or opens waits for that (fid_turns.hpp). A
// lock asked for with lock_flag_block is answered when it was granted; Tflush gives it up, and
// so does the connection's end. A malformed message ends this connection with a reason in the log, and
// nothing else. Limits: 65536 fids, 64 requests at once besides waiting locks; beyond that reading stops
// until one is answered.
//
// Sessions: Tattach binds the connection to the session that the user name tells (session_machine.hpp).
// Attaching on a new connection closes the session's older ones and waits for what they still have running,
// so that a request sent before a loss can't take effect after one sent since. Clunking the fid of Tattach
// ends the session at once: that is a clean unmount. The lease's length can be read as attribute
// "user.understudy.client_lease_ms" of any file, fencing numbers as "user.understudy.fence". A write, or a
// change of size, by a session whose fencing number was overtaken gives ESTALE. The first Tstatfs after
// attaching says that the client has reclaimed its locks. Writing a number to "user.understudy.fence" makes
// the session's writes to that file carry it. A lock lives at most as long as its session has the file open.
//
// A share with allowed clients answers EACCES to others, one with a key to who didn't prove it
// (share_key.hpp) by Tauth before. The fid that Txattrwalk makes of "user.understudy.delegation" is the
// share's delegation (core/delegation.hpp), or EBUSY: a Tread on it is answered, with nothing, when it is to
// be given back, and clunking it does that. While faults are in force each request is judged by them first;
// requests they hold, and those that wait for a fid, count apart from the 64: at most 1024, and 32 MiB.
// Replies to a client that is cut off are sent when it no longer is.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "storage/files/core/attach_attempts.hpp"
#include "storage/files/core/fid_turns.hpp"
#include "storage/files/core/message.hpp"
#include "storage/files/io/frame_stream.hpp"
#include "storage/files/server/attributes.hpp"
#include "storage/files/server/faults.hpp"
#include "storage/files/server/file_pool.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/request_counts.hpp"
#include "storage/files/server/session_gate.hpp"
#include "storage/files/server/sessions.hpp"

namespace understudy::files {

struct ExportedShare {
    std::shared_ptr<Share> share;
    std::unique_ptr<Sessions> sessions;
    std::unique_ptr<Faults> faults;
    std::vector<Ipv4Network> clients;  // empty: any
    std::string key;                   // empty: none is asked for
    RequestCounts requests;
};

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    class Host {  // what a connection asks of the server it belongs to
      public:
        virtual ~Host() = default;
        virtual ExportedShare* find_share(const std::string& name) = 0;
        virtual boost::asio::thread_pool& file_pool() = 0;
        // Closes every other connection of the session, then waits until no closed connection has anything
        // running.
        virtual boost::asio::awaitable<void> become_the_only_one(Connection& self) = 0;
        virtual AttachAttempts& attempts() = 0;
        virtual void attach_refused(const std::string& share, const std::string& user, const Endpoint& peer,
                                    const std::string& reason) = 0;
    };

    Connection(boost::asio::ip::tcp::socket socket, Endpoint peer, Host& host);

    boost::asio::awaitable<void> run();  // until the connection ends
    void close();
    void faults_changed();

    bool is_open() const { return stream_->is_open(); }
    bool is_busy() const { return !outstanding_.empty(); }
    std::uint64_t session() const { return session_; }
    ExportedShare* share() const { return share_; }

  private:
    struct Fid {
        std::shared_ptr<const HostFile> file;
        FileStrand strand;                                // keeps the operations of this fid in order
        std::optional<AttributeWrite> attribute_write{};  // after Txattrcreate
    };
    using FidPtr = std::shared_ptr<Fid>;

    void take(Message message);
    static boost::asio::awaitable<void> serve(std::shared_ptr<Connection> self, Message message);
    static boost::asio::awaitable<void> serve_in_turn(std::shared_ptr<Connection> self, std::uint16_t tag);
    void flush(std::uint16_t tag, std::uint16_t old_tag);
    // None: it is to be answered as the others are.
    std::optional<Body> answer_at_once(const Body& request);
    bool waits_for_nothing(const Fid& fid, const Body& request) const;
    boost::asio::awaitable<Body> answer(std::uint16_t tag, Body request);
    void finish(std::uint16_t tag, Body reply);
    void end_turn(std::uint16_t tag);

    struct Outstanding {
        Instant since;
        std::size_t kind;                    // its place in Body
        std::vector<std::uint16_t> flushes;  // that wait for it
    };
    struct Held {  // by a fault, or by a delegation
        std::function<void()> cancel;
        std::size_t bytes;
    };
    struct Proof {  // begun by Tauth
        std::string nonce, user, share;
        bool given = false;
    };
    bool has_room() const;

    bool is_cut_off() const;
    boost::asio::awaitable<void> healed();  // until faults change, or it is closed
    boost::asio::awaitable<int> befalls(std::uint16_t tag, const Body& request);
    void release_held(std::uint16_t tag);

    bool changes_share(const Body& request) const;
    boost::asio::awaitable<bool> change_begins(std::uint16_t tag, std::size_t bytes);
    bool is_delegation(std::uint32_t fid) const { return delegation_fid_ && *delegation_fid_ == fid; }
    boost::asio::awaitable<Body> read_recall(std::uint16_t tag);

    FidPtr find(std::uint32_t fid) const;
    bool is_taken(std::uint32_t fid) const;
    void opened(Fid& fid, std::shared_ptr<const HostFile> file);
    void forget(std::uint32_t fid);  // with the last fid of an open file its locks go
    bool has_open(std::uint64_t inode) const;
    void reclaim_done();
    bool add(std::uint32_t fid, std::shared_ptr<const HostFile> file, const FileStrand& strand);
    FileStrand new_strand() const;
    Body version(const Tversion& request);
    boost::asio::awaitable<Body> auth(Tauth request);
    std::optional<Body> prove(const Body& request);  // none: it is about no fid of Tauth
    bool has_proof(const Tattach& request) const;
    std::optional<Body> refuse_address(const ExportedShare& share, const std::string& name,
                                       const std::string& user);
    Body refuse_attach(const std::string& share, const std::string& user, const std::string& reason);
    boost::asio::awaitable<Body> attach(Tattach request);
    boost::asio::awaitable<Body> walk_to(Twalk request);
    std::optional<Body> walk_to_at_once(const Twalk& request);
    std::optional<Body> refuse_walk(const Twalk& request) const;
    Body walked(const Twalk& request, Body reply, std::shared_ptr<const HostFile> to);
    boost::asio::awaitable<Body> open(Tlopen request);
    std::optional<Body> open_at_once(const Tlopen& request);
    boost::asio::awaitable<Body> create(Tlcreate request);
    boost::asio::awaitable<Body> clunk(std::uint32_t fid);
    std::optional<Body> clunk_at_once(std::uint32_t fid);
    boost::asio::awaitable<Body> attribute(Txattrwalk request);
    Body attribute_create(const Txattrcreate& request);
    Body set_fence(const HostFile& file, const std::string& value);
    boost::asio::awaitable<Body> lock(std::uint16_t tag, Tlock request);
    Body get_lock(const Tgetlock& request);

    std::shared_ptr<FrameStream> stream_;
    Endpoint peer_;
    Host& host_;
    boost::asio::steady_timer room_;    // cancelled whenever a request was answered
    boost::asio::steady_timer healed_;  // cancelled whenever faults change
    std::uint32_t message_bytes_ = min_message_bytes;
    bool version_agreed_ = false;
    std::map<std::uint32_t, FidPtr> fids_;
    std::map<std::uint64_t, std::size_t> open_files_;  // inode: how many fids have it open
    std::map<std::uint32_t, Proof> proofs_;            // by Tauth's fid
    std::uint32_t wrong_proofs_ = 0;
    std::map<std::uint16_t, Outstanding> outstanding_;  // by tag
    FidTurns turns_;
    std::map<std::uint16_t, Message> deferred_;  // that wait for their turn, by tag
    std::size_t deferred_bytes_ = 0;
    std::map<std::uint16_t, Held> held_;  // by tag
    std::size_t held_bytes_ = 0;
    std::vector<std::pair<std::uint16_t, Body>> withheld_;  // replies to a client that is cut off
    std::map<std::uint16_t, std::uint64_t> waiting_;        // tag of a lock that is waited for: its ticket
    std::set<std::uint16_t> discarded_;                     // given up by Tflush: not answered
    ExportedShare* share_ = nullptr;
    std::string user_, client_;
    std::shared_ptr<SessionGate> gate_;
    bool resumed_ = false;  // and has not said yet that it reclaimed its locks
    std::uint64_t session_ = 0;
    bool leased_ = false;
    std::optional<std::uint32_t> delegation_fid_;
};

}  // namespace understudy::files
