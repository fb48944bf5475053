// SPDX-License-Identifier: Apache-2.0
// The service: accepts connections with Asio on the caller's thread and gives each a thread of its own that
// blocks on its socket and in SQLite. Threads rather than coroutines, because SQLite blocks: in fsync, in a
// long query, and in the write queue; a session that waits must not hold up another's. A thread costs some 20
// KiB here. Ends in order on SIGTERM and SIGINT: sessions get 57P01, running statements are interrupted,
// commits already begun end.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <map>
#include <mutex>

#include "base/io/event_writer.hpp"
#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "storage/database/config.hpp"
#include "storage/database/core/session.hpp"
#include "storage/database/engine.hpp"
#include "storage/database/operation.hpp"
#include "storage/database/undo_vfs.hpp"
#include "storage/database/write_queue.hpp"

namespace understudy::database {

class Server {
  public:
    Server(Config config, io::EventWriter& events);
    ~Server();

    Result<void> open();                                                         // the file and the port
    void run();                                                                  // until a signal
    boost::asio::any_io_executor executor() { return context_.get_executor(); }  // on which run() runs
    std::size_t connections() const;
    void on_stop(std::function<void()> callback) { stopped_ = std::move(callback); }

    // For sessions, on their own threads.
    struct Seat {
        std::int32_t process_id = 0;
        std::int32_t secret = 0;
        bool full = false;
        bool refusing = false;
    };
    SessionSettings settings_for(const Seat& seat) const;
    const Config& config() const { return config_; }
    WriteQueue& queue() { return queue_; }
    Operation& operation() { return operation_; }
    NotificationHub& notifications() { return notifications_; }
    void refused(const std::string& reason, const std::string& peer);
    // From now on the service's end reaches its socket (it reads as closed, and ending() is true); the
    // descriptor is the caller's, and closed after leave().
    void arrive(const Seat& seat, int descriptor);
    void enter(const Seat& seat, Engine& engine);  // and cancel requests its engine
    void leave(const Seat& seat);
    bool ending() const { return stopping_; }
    void cancel(std::int32_t process_id, std::int32_t secret);

  private:
    struct Guest {
        std::int32_t secret = 0;
        Engine* engine = nullptr;
        int descriptor = -1;
    };
    void accept();
    void set_frozen(bool frozen);
    void lose_power(const Fault& fault);
    void seat(boost::asio::ip::tcp::socket socket);
    void stop();

    Config config_;
    io::EventWriter& events_;
    Crypto crypto_;
    std::map<std::string, ScramVerifier> users_;
    ScramVerifier stranger_;
    WriteQueue queue_;
    NotificationHub notifications_;
    SqliteConnection keeper_;  // keeps the write-ahead log open while no session does
    boost::asio::io_context context_{1};
    Operation operation_;
    boost::asio::ip::tcp::acceptor acceptor_{context_};
    bool accepting_ = false;
    UndoVfs* undo_ = nullptr;
    std::function<void()> stopped_ = [] {};
    mutable std::mutex mutex_;
    std::condition_variable gone_;
    std::map<std::int32_t, Guest> guests_;
    std::int32_t next_process_id_ = 1;
    std::atomic<bool> stopping_ = false;
};

// One connection, until it ends. Owns the socket.
void serve_connection(Server& server, const Server::Seat& seat, io::UniqueFd socket, const std::string& peer);

}  // namespace understudy::database
