// SPDX-License-Identifier: Apache-2.0
// One client's connection: decodes requests, runs them side by side, and answers each. File operations run in
// the file pool, those of one fid in the order they came; locks and sessions are decided on the connection's
// own thread. A lock asked for with lock_flag_block is answered when it was granted; Tflush gives it up, and
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
// attaching says that the client has reclaimed its locks.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/files/core/message.hpp"
#include "storage/files/io/frame_stream.hpp"
#include "storage/files/server/attributes.hpp"
#include "storage/files/server/file_pool.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/sessions.hpp"

namespace understudy::files {

struct ExportedShare {
    std::shared_ptr<Share> share;
    std::unique_ptr<Sessions> sessions;
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
    };

    Connection(boost::asio::ip::tcp::socket socket, std::string peer, Host& host);

    boost::asio::awaitable<void> run();  // until the connection ends
    void close() { stream_->close(); }

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

    static boost::asio::awaitable<void> serve(std::shared_ptr<Connection> self, Message message);
    boost::asio::awaitable<Body> answer(std::uint16_t tag, Body request);
    void finish(std::uint16_t tag, Body reply);

    FidPtr find(std::uint32_t fid) const;
    bool add(std::uint32_t fid, std::shared_ptr<const HostFile> file, const FileStrand& strand);
    FileStrand new_strand() const;
    Body version(const Tversion& request);
    boost::asio::awaitable<Body> attach(Tattach request);
    boost::asio::awaitable<Body> walk_to(Twalk request);
    boost::asio::awaitable<Body> open(Tlopen request);
    boost::asio::awaitable<Body> create(Tlcreate request);
    boost::asio::awaitable<Body> clunk(std::uint32_t fid);
    boost::asio::awaitable<Body> attribute(Txattrwalk request);
    Body attribute_create(const Txattrcreate& request);
    boost::asio::awaitable<Body> lock(std::uint16_t tag, Tlock request);
    Body get_lock(const Tgetlock& request);

    std::shared_ptr<FrameStream> stream_;
    std::string peer_;
    Host& host_;
    boost::asio::steady_timer room_;  // cancelled whenever a request was answered
    std::uint32_t message_bytes_ = min_message_bytes;
    bool version_agreed_ = false;
    std::map<std::uint32_t, FidPtr> fids_;
    std::map<std::uint16_t, std::vector<std::uint16_t>> outstanding_;  // tag: the flushes that wait for it
    std::map<std::uint16_t, std::uint64_t> waiting_;  // tag of a lock that is waited for: its ticket
    std::set<std::uint16_t> discarded_;               // given up by Tflush: not answered
    ExportedShare* share_ = nullptr;
    std::string user_;
    std::uint64_t session_ = 0;
    bool leased_ = false;
};

}  // namespace understudy::files
