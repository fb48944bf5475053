// SPDX-License-Identifier: Apache-2.0
// The file service: listens, accepts at most 256 connections, owns the shares and their sessions.
// Threads: one for connections, locks and sessions; four for files, so that one slow disk operation (an
// fsync) doesn't hold the others up.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/io/event_writer.hpp"
#include "storage/files/server/config.hpp"
#include "storage/files/server/connection.hpp"

namespace understudy::files {

class Server : public Connection::Host {
  public:
    Server(boost::asio::io_context& context, io::EventWriter& events) : context_(context), events_(events) {}
    ~Server() override;

    // Opens the shares and listens. Error kind environment: a taken port, a directory that can't be opened.
    Result<void> start(const ServerConfig& config);
    Endpoint local_endpoint() const;  // with the port the kernel chose, where 0 was asked for

    // The shares by name, for administration on the context's thread.
    std::map<std::string, ExportedShare>& shares() { return shares_; }
    // Called when the power was lost and everything unsynced is gone: the service must end, serving nothing.
    void on_power_lost(std::function<void()> callback) { power_lost_ = std::move(callback); }

    // Answers no one any more. Destroyed while its context doesn't run and still lives. What the file pool
    // has begun is finished before the Server is destroyed.
    void stop();

  private:
    ExportedShare* find_share(const std::string& name) override;
    boost::asio::thread_pool& file_pool() override { return pool_; }
    boost::asio::awaitable<void> become_the_only_one(Connection& self) override;
    AttachAttempts& attempts() override { return attempts_; }
    void attach_refused(const std::string& share, const std::string& user, const Endpoint& peer,
                        const std::string& reason) override;
    Result<void> open(const ExportConfig& wanted);
    void lose_power(const Fault& fault);
    boost::asio::awaitable<void> accept();
    void close_connections(ExportedShare* share, std::uint64_t session, const Connection* except);

    boost::asio::io_context& context_;
    io::EventWriter& events_;
    boost::asio::thread_pool pool_{4};
    std::map<std::string, ExportedShare> shares_;
    AttachAttempts attempts_;
    std::function<void()> power_lost_ = [] {};
    std::unique_ptr<boost::asio::ip::tcp::acceptor> acceptor_;
    std::list<std::weak_ptr<Connection>> connections_;
};

}  // namespace understudy::files
