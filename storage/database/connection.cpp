// SPDX-License-Identifier: Apache-2.0
// Drives one session machine: bytes from the socket in, its actions out. Effects keep their order: an answer
// leaves only after the engine has committed what it acknowledges.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/io/clock.hpp"
#include "storage/database/server.hpp"

namespace understudy::database {
namespace {

constexpr int send_limit_ms = 10'000;  // for a client that doesn't read
constexpr std::size_t read_bytes = 16 * 1024;

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

void limit_wait(int fd, int option, int limit_ms) {
    const timeval limit{limit_ms / 1000, limit_ms % 1000 * 1000};
    ::setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit);
}

// A peer that is gone without a word (a power loss) is found out within some ten seconds.
void configure(int fd) {
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, send_limit_ms);
    limit_wait(fd, SO_SNDTIMEO, send_limit_ms);
}

// False: the client is gone, or has read nothing for send_limit_ms (SO_SNDTIMEO).
bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EINTR)
            return false;
    }
    return true;
}

// After these comes ReadyForQuery, or may.
bool ends_statements(const EngineAction& action) {
    return std::holds_alternative<Query>(action) || std::holds_alternative<Sync>(action) ||
           std::holds_alternative<CopyDone>(action) || std::holds_alternative<CopyFail>(action);
}

class Connection {
  public:
    Connection(Server& server, const Server::Seat& seat, io::UniqueFd socket, const std::string& peer)
        : server_(server),
          seat_(seat),
          socket_(std::move(socket)),
          peer_(peer),
          faults_(server.operation().faults),
          session_(server.settings_for(seat), io::monotonic_now()) {}

    ~Connection() { server_.leave(seat_); }

    void run() {
        configure(socket_.get());
        server_.arrive(seat_, socket_.get());
        while (!session_.ended()) {
            auto message = decoder_.next();
            if (message.has_error()) {
                session_.handle_error(message.error());
            } else if (*message) {
                faults_.wait_while_frozen();
                session_.handle(std::move(**message), io::monotonic_now());
            } else {
                if (!flush()) return;
                if (!wait()) return;
            }
            if (!carry_out()) return;
        }
        flush();
        tls_.reset();
        ::shutdown(socket_.get(), SHUT_WR);
    }

  private:
    // Until bytes came, the service ends, or a time limit passed. False: the client is gone.
    bool wait() {
        int limit_ms = 0;  // none
        const auto now = io::monotonic_now();
        if (const auto deadline = session_.next_deadline())
            limit_ms = static_cast<int>(std::max<std::int64_t>(1, (deadline->when - now) / 1ms + 1));
        else if (engine_ && engine_->blocks_others())
            limit_ms = static_cast<int>(server_.config().idle_in_transaction_timeout / 1ms);
        if (limit_ms != read_limit_ms_) limit_wait(socket_.get(), SO_RCVTIMEO, read_limit_ms_ = limit_ms);
        char buffer[read_bytes];
        const ssize_t received = await_bytes(limit_ms) ? receive(buffer, sizeof buffer, limit_ms) : -1;
        const int failure = errno;
        // A time limit that passed while frozen is judged anew: what came meanwhile is read first.
        if (faults_.wait_while_frozen() && received < 0 && failure == EAGAIN) return true;
        if (received > 0) {
            decoder_.append({buffer, static_cast<std::size_t>(received)});
        } else if (received == 0) {
            if (!server_.ending()) return false;
            session_.handle_error(
                {sqlstate::admin_shutdown, "terminating connection due to administrator command", {}, true});
        } else if (failure == EAGAIN && session_.ready()) {
            session_.handle_error({sqlstate::idle_in_transaction,
                                   "terminating connection due to idle-in-transaction timeout",
                                   {},
                                   true});
        } else if (failure == EAGAIN) {
            session_.on_timeout(io::monotonic_now());
        } else {
            return failure == EINTR;
        }
        return true;
    }

    ssize_t receive(char* buffer, std::size_t size, int limit_ms) {
        return tls_ ? tls_->receive(buffer, size, limit_ms * 1ms) : ::recv(socket_.get(), buffer, size, 0);
    }

    // Who listens is also woken by notifications, which are said at once between transactions. False: no
    // bytes came, with errno as of recv().
    bool await_bytes(int limit_ms) {
        const int woken = server_.notifications().descriptor(seat_.process_id);
        if (woken < 0 || (tls_ && tls_->pending())) return true;
        pollfd ready[] = {{socket_.get(), POLLIN, 0}, {woken, POLLIN, 0}};
        // What came during a transaction is taken behind it.
        const bool listens = session_.between_transactions();
        const int count = ::poll(ready, listens ? 2 : 1, limit_ms == 0 ? -1 : limit_ms);
        if (count < 0) return false;
        if (listens && ready[1].revents != 0) session_.notify(server_.notifications().take(seat_.process_id));
        errno = count == 0 ? EAGAIN : EINTR;
        return ready[0].revents != 0;
    }

    bool carry_out() {
        for (auto actions = session_.take_actions(); !actions.empty(); actions = session_.take_actions())
            for (auto& action : actions)
                if (!carry_out(action)) return false;
        return true;
    }

    bool carry_out(SessionAction& action) {
        if (auto* send = std::get_if<Send>(&action)) {
            pending_ += send->bytes;
            return pending_.size() < 256 * 1024 || flush();
        }
        if (std::holds_alternative<StartTls>(action)) return start_tls();
        if (const auto* cancel = std::get_if<CancelOther>(&action))
            server_.cancel(cancel->process_id, cancel->secret);
        if (const auto* refused = std::get_if<Refused>(&action)) server_.refused(refused->reason, peer_);
        if (const auto* login = std::get_if<LoggedIn>(&action)) return open_engine(*login);
        if (const auto* request = std::get_if<EngineAction>(&action)) run_engine(*request);
        return true;
    }

    bool start_tls() {
        if (!flush()) return false;
        tls_ = std::make_unique<TlsStream>(*server_.config().tls, socket_.get());
        const auto left = session_.next_deadline()->when - io::monotonic_now();
        const auto failure = tls_->shake_hands(std::max<Duration>(left, 1ms));
        if (failure) server_.refused("TLS handshake: " + *failure, peer_);
        return !failure;
    }

    bool open_engine(const LoggedIn& login) {
        decoder_.login_done();
        auto connection = open_database(server_.config().file);
        if (connection.has_error()) {
            session_.handle_error(connection.error());
            return true;
        }
        Engine::Options options;
        options.lock_limit =
            std::chrono::duration_cast<std::chrono::milliseconds>(server_.config().lock_timeout);
        options.notifications = &server_.notifications();
        options.clock = [this] { return faults_.clock_unix_us(); };
        options.send = [this](std::string bytes) {
            pending_ += bytes;
            return flush();
        };
        FunctionContext context;
        context.user = login.user;
        context.database = login.database;
        context.process_id = seat_.process_id;
        engine_ = std::make_unique<Engine>(std::move(*connection), std::move(context), server_.queue(),
                                           server_.operation(), std::move(options));
        server_.enter(seat_, *engine_);
        return true;
    }

    void run_engine(const EngineAction& request) {
        // Rows of an earlier part of this answer are in pending_, and leave before these.
        BackendWriter out;
        const auto error = engine_->run(request, out);
        pending_ += out.take();
        if (error) server_.operation().statistics.count_error(error->sqlstate);
        if (error) spdlog::info("{}: {} {}", peer_, error->sqlstate, error->message);
        if (engine_->status() == 'I' && !engine_->copying() && ends_statements(request))
            session_.notify(server_.notifications().take(seat_.process_id));
        session_.engine_done(error, engine_->status(), engine_->copying());
    }

    bool flush() {
        if (!pending_.empty()) faults_.wait_while_frozen();
        const bool sent =
            tls_ ? tls_->send(pending_, send_limit_ms * 1ms) : send_all(socket_.get(), pending_);
        pending_.clear();
        if (pending_.capacity() > 64 * 1024) pending_.shrink_to_fit();
        return sent;
    }

    Server& server_;
    Server::Seat seat_;
    io::UniqueFd socket_;
    std::unique_ptr<TlsStream> tls_;
    const std::string& peer_;
    Faults& faults_;
    Session session_;
    FrontendDecoder decoder_;
    std::unique_ptr<Engine> engine_;
    std::string pending_;
    int read_limit_ms_ = 0;
};

}  // namespace

void serve_connection(Server& server, const Server::Seat& seat, io::UniqueFd socket,
                      const std::string& peer) {
    Connection(server, seat, std::move(socket), peer).run();
}

}  // namespace understudy::database
