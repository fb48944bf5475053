// SPDX-License-Identifier: Apache-2.0
#include "storage/database/server.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/io/http.hpp"
#include "storage/database/crypto.hpp"
#include "storage/database/sql/nesting.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t waiting_room = 16;  // connections beyond max_connections that are told 53300
constexpr auto answer_time = std::chrono::milliseconds(50);
constexpr auto farewell_limit = std::chrono::milliseconds(1500);

// A thread of its own with stack for the deepest statement: address space, not memory, until it is used.
template <typename Task>
bool start_thread(Task task) {
    auto* owned = new Task(std::move(task));
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, session_stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread{};
    const int failure = pthread_create(
        &thread, &attributes,
        [](void* argument) -> void* {
            const std::unique_ptr<Task> mine(static_cast<Task*>(argument));
            (*mine)();
            return nullptr;
        },
        owned);
    pthread_attr_destroy(&attributes);
    if (failure != 0) delete owned;
    return failure == 0;
}

}  // namespace

Server::Server(Config config, io::EventWriter& events)
    : config_(std::move(config)),
      events_(events),
      crypto_(openssl_crypto()),
      operation_(context_.get_executor(), events, config_.slow_statement) {
    operation_.faults.on_frozen([this](bool frozen) { set_frozen(frozen); });
    operation_.faults.on_power_lost([this](const Fault& fault) { lose_power(fault); });
    for (const auto& [user, password] : config_.passwords)
        users_[user] = make_verifier(crypto_, password, random_bytes(16), config_.scram_iterations);
    config_.passwords.clear();
    // Of no password at all: it need not be derived from one.
    stranger_ = {random_bytes(16), config_.scram_iterations, random_bytes(32), random_bytes(32)};
}

Server::~Server() = default;

Result<void> Server::open() {
    if (config_.power_loss) {
        UNDERSTUDY_TRY(undo_, UndoVfs::install());
    }
    auto keeper = open_database(config_.file);
    if (keeper.has_error())
        return Error(ErrorKind::environment, config_.file,
                     "cannot open the database file: " + keeper.error().message);
    keeper_ = std::move(*keeper);
    // The log comes into being with the first read: a file that is no database is found out now.
    if (sqlite3_exec(keeper_.get(), "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr) !=
        SQLITE_OK)
        return Error(ErrorKind::environment, config_.file, sqlite3_errmsg(keeper_.get()));
    const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::address_v4(config_.listen.address.bits),
                                                  config_.listen.port);
    UNDERSTUDY_TRY(acceptor_, io::listen_tcp(context_.get_executor(), endpoint));
    return {};
}

void Server::run() {
    boost::asio::signal_set signals(context_, SIGTERM, SIGINT);
    signals.async_wait([this](const boost::system::error_code& failure, int) {
        if (!failure) stop();
    });
    accept();
    events_.report("ready", fmt::format("serving {} on {}", config_.file, to_string(config_.listen)));
    context_.run();
    std::unique_lock lock(mutex_);
    if (!gone_.wait_for(lock, farewell_limit, [&] { return guests_.empty(); })) {
        // They hold pointers to this object; every acknowledged commit is on the disk.
        spdlog::warn("{} sessions did not end in time", guests_.size());
        std::_Exit(0);
    }
}

// As a machine without power: nothing is closed in order and nothing more is said. Whoever asked for it is
// told first.
void Server::lose_power(const Fault& fault) {
    auto told = std::make_shared<boost::asio::steady_timer>(context_, answer_time);
    told->async_wait([this, fault, told](boost::system::error_code) {
        if (undo_ != nullptr)
            if (const auto done = undo_->lose_power(fault.torn, fault.seed); done.has_error())
                spdlog::error("power loss: {}", done.error().message());
        std::_Exit(1);
    });
}

// Whoever connects meanwhile is taken by the kernel and waits, as with a process that is stopped.
void Server::set_frozen(bool frozen) {
    boost::system::error_code ignored;
    if (frozen)
        acceptor_.cancel(ignored);
    else
        accept();
}

std::size_t Server::connections() const {
    const std::lock_guard lock(mutex_);
    return guests_.size();
}

void Server::accept() {
    if (accepting_ || operation_.faults.frozen() || !acceptor_.is_open()) return;
    accepting_ = true;
    acceptor_.async_accept(
        [this](const boost::system::error_code& failure, boost::asio::ip::tcp::socket socket) {
            accepting_ = false;
            if (!acceptor_.is_open()) return;
            if (failure == boost::asio::error::operation_aborted)
                ;  // frozen, and perhaps thawed since
            else if (failure)
                spdlog::warn("accept: {}", failure.message());
            else
                seat(std::move(socket));
            accept();
        });
}

void Server::seat(boost::asio::ip::tcp::socket socket) {
    boost::system::error_code failure;
    const auto endpoint = socket.remote_endpoint(failure);
    const std::string peer =
        failure ? "unknown" : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
    Seat seat;
    seat.refusing = operation_.faults.refuses_connection();
    const std::string secret = random_bytes(4);
    std::memcpy(&seat.secret, secret.data(), 4);
    {
        const std::lock_guard lock(mutex_);
        const auto limit = static_cast<std::size_t>(config_.max_connections);
        if (guests_.size() >= limit + waiting_room) {
            ++operation_.statistics.connections_refused;
            events_.report("connection_refused", "too many connections",
                           {{"reason", std::string("too many connections")}, {"peer", peer}});
            return;
        }
        seat.full = guests_.size() >= limit;
        seat.process_id = next_process_id_;
        next_process_id_ = next_process_id_ == 0x7fffffff ? 1 : next_process_id_ + 1;
        guests_[seat.process_id] = {seat.secret, nullptr, -1};
    }
    socket.native_non_blocking(false, failure);  // its thread waits in it
    io::UniqueFd descriptor(socket.release(failure));
    if (!start_thread([this, seat, peer, fd = std::move(descriptor)]() mutable {
            serve_connection(*this, seat, std::move(fd), peer);
            const std::lock_guard lock(mutex_);
            guests_.erase(seat.process_id);
            gone_.notify_all();
        })) {
        refused("no thread for it", peer);
        const std::lock_guard lock(mutex_);
        guests_.erase(seat.process_id);
    }
}

void Server::stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    operation_.faults.stop();
    stopped_();
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [process_id, guest] : guests_) {
        if (guest.engine != nullptr) guest.engine->interrupt();
        if (guest.descriptor >= 0) ::shutdown(guest.descriptor, SHUT_RD);
    }
    queue_.wake();
    context_.stop();  // an administrator who says nothing is not waited for
}

SessionSettings Server::settings_for(const Seat& seat) const {
    SessionSettings settings;
    settings.users = users_;
    settings.stranger = stranger_;
    settings.crypto = crypto_;
    settings.server_nonce = to_base64(random_bytes(18));
    settings.tls = config_.tls != nullptr;
    if (settings.tls) settings.tls_binding = config_.tls->binding();
    settings.database = config_.database;
    settings.process_id = seat.process_id;
    settings.secret = seat.secret;
    settings.full = seat.full;
    settings.refusing = seat.refusing;
    return settings;
}

void Server::refused(const std::string& reason, const std::string& peer) {
    ++operation_.statistics.connections_refused;
    events_.report("connection_refused", fmt::format("{}: {}", peer, reason),
                   {{"reason", reason}, {"peer", peer}});
}

void Server::arrive(const Seat& seat, int descriptor) {
    const std::lock_guard lock(mutex_);
    guests_[seat.process_id].descriptor = descriptor;
    if (stopping_) ::shutdown(descriptor, SHUT_RD);
}

void Server::enter(const Seat& seat, Engine& engine) {
    ++operation_.statistics.connections_opened;
    const std::lock_guard lock(mutex_);
    guests_[seat.process_id].engine = &engine;
    if (stopping_) engine.interrupt();
}

void Server::leave(const Seat& seat) {
    notifications_.leave(seat.process_id);
    const std::lock_guard lock(mutex_);
    guests_[seat.process_id].engine = nullptr;
    guests_[seat.process_id].descriptor = -1;
}

void Server::cancel(std::int32_t process_id, std::int32_t secret) {
    const std::lock_guard lock(mutex_);
    const auto found = guests_.find(process_id);
    if (found != guests_.end() && found->second.secret == secret && found->second.engine != nullptr)
        found->second.engine->interrupt();
    queue_.wake();
}

}  // namespace understudy::database
