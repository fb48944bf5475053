// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/server.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "storage/files/io/share_key.hpp"

namespace understudy::files {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {
constexpr std::size_t max_connections = 256;
constexpr std::chrono::milliseconds answer_time{50};
}  // namespace

Server::~Server() {
    stop();
    // Connections hold work of the pool: they end before it does.
    pool_.join();
    context_.restart();
    context_.poll();
}

Result<void> Server::start(const ServerConfig& config) {
    for (const ExportConfig& wanted : config.exports) UNDERSTUDY_CHECK(open(wanted));
    tcp::endpoint endpoint(asio::ip::address_v4(config.listen.address.bits), config.listen.port);
    auto acceptor = std::make_unique<tcp::acceptor>(context_);
    boost::system::error_code error;
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error) return system_error(to_string(config.listen), error.value(), ErrorKind::environment);
    acceptor_ = std::move(acceptor);
    asio::co_spawn(context_, accept(), asio::detached);
    return {};
}

Result<void> Server::open(const ExportConfig& wanted) {
    UNDERSTUDY_TRY(std::shared_ptr<Share> share,
                   Share::open(wanted.path, wanted.quota_bytes, wanted.power_loss));
    ExportedShare& exported = shares_[wanted.name];
    exported.share = std::move(share);
    exported.clients = wanted.clients;
    if (!wanted.key_file.empty()) {
        UNDERSTUDY_TRY(exported.key, read_share_key(wanted.key_file));
    }
    exported.sessions =
        std::make_unique<Sessions>(context_.get_executor(), wanted.name, wanted.path + ".sessions",
                                   wanted.client_lease, wanted.delegate_after, events_);
    exported.sessions->on_ended(
        [this, &exported](std::uint64_t session) { close_connections(&exported, session, nullptr); });
    exported.faults = std::make_unique<Faults>(context_.get_executor(), wanted.name, events_);
    exported.faults->on_changed([this, &exported] {
        // Requests that a fault should befall are not to be answered from a client's memory.
        exported.sessions->forbid_delegations(exported.faults->any());
        for (const std::weak_ptr<Connection>& known : connections_)
            if (std::shared_ptr<Connection> connection = known.lock()) connection->faults_changed();
    });
    // Nothing is read or answered from here on; whoever asked for it may still be told that it is so.
    exported.faults->on_power_lost([this](const Fault& fault) {
        auto told = std::make_shared<asio::steady_timer>(context_, answer_time);
        told->async_wait([this, fault, told](boost::system::error_code) { lose_power(fault); });
    });
    return exported.sessions->restore();
}

// A machine loses its power as a whole: every share.
void Server::lose_power(const Fault& fault) {
    stop();
    pool_.join();
    for (const auto& [name, exported] : shares_) {
        if (exported.share->undo() == nullptr) continue;
        const Result<void> done = exported.share->undo()->roll_back(fault.torn, fault.seed);
        if (done.has_error()) spdlog::error("{}: power loss: {}", name, done.error().message());
    }
    power_lost_();
}

void Server::attach_refused(const std::string& share, const std::string& user, const Endpoint& peer,
                            const std::string& reason) {
    // The user name says who the client is up to the first '#'.
    const std::string client = user.substr(0, user.find('#'));
    events_.report(
        "attach_refused", fmt::format("{} as {} from {}: {}", share, client, to_string(peer), reason),
        {{"share", share}, {"client", client}, {"address", to_string(peer.address)}, {"reason", reason}});
}

Endpoint Server::local_endpoint() const {
    tcp::endpoint local = acceptor_->local_endpoint();
    return {{static_cast<std::uint32_t>(local.address().to_v4().to_uint())}, local.port()};
}

void Server::stop() {
    if (acceptor_ != nullptr) {
        boost::system::error_code ignored;
        acceptor_->close(ignored);
    }
    for (const std::weak_ptr<Connection>& known : connections_)
        if (std::shared_ptr<Connection> connection = known.lock()) connection->close();
}

asio::awaitable<void> Server::accept() {
    while (acceptor_->is_open()) {
        auto [error, socket] = co_await acceptor_->async_accept(asio::as_tuple(asio::use_awaitable));
        if (error == asio::error::operation_aborted) break;
        if (error) {  // out of descriptors, say: others may give some back
            asio::steady_timer pause(context_, std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
            continue;
        }
        connections_.remove_if([](const std::weak_ptr<Connection>& known) { return known.expired(); });
        if (connections_.size() >= max_connections) {
            spdlog::warn("a connection was refused: {} are open", connections_.size());
            continue;
        }
        boost::system::error_code ignored;
        tcp::endpoint remote = socket.remote_endpoint(ignored);
        if (ignored) continue;  // gone again
        const Endpoint peer{{remote.address().to_v4().to_uint()}, remote.port()};
        auto connection = std::make_shared<Connection>(std::move(socket), peer, *this);
        connections_.push_back(connection);
        asio::co_spawn(context_, connection->run(), asio::detached);
    }
}

ExportedShare* Server::find_share(const std::string& name) {
    // The kernel's client asks for "/name" where it was given a path.
    auto found = shares_.find(name.starts_with('/') ? name.substr(1) : name);
    return found == shares_.end() ? nullptr : &found->second;
}

void Server::close_connections(ExportedShare* share, std::uint64_t session, const Connection* except) {
    for (const std::weak_ptr<Connection>& known : connections_) {
        std::shared_ptr<Connection> connection = known.lock();
        if (connection != nullptr && connection.get() != except && connection->share() == share &&
            connection->session() == session)
            connection->close();
    }
}

asio::awaitable<void> Server::become_the_only_one(Connection& self) {
    std::shared_ptr<Connection> kept = self.shared_from_this();
    close_connections(self.share(), self.session(), &self);
    auto others_busy = [this, kept] {
        for (const std::weak_ptr<Connection>& known : connections_) {
            std::shared_ptr<Connection> connection = known.lock();
            if (connection != nullptr && connection != kept && !connection->is_open() &&
                connection->is_busy() && connection->share() == kept->share())
                return true;
        }
        return false;
    };
    while (others_busy() && self.is_open()) {
        asio::steady_timer pause(context_, std::chrono::milliseconds(2));
        co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

}  // namespace understudy::files
