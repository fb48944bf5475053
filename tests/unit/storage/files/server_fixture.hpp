// SPDX-License-Identifier: Apache-2.0
// A real server on loopback over a temporary folder, and clients that speak 9P by hand.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "storage/files/core/codec.hpp"
#include "storage/files/server/server.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::files {

using boost::asio::ip::tcp;

// Reads give up after 20 s, so that a missing answer fails the test rather than hang it.
class Client {
  public:
    Client(const Endpoint& server, const std::string& user) : socket_(context_) {
        socket_.connect({boost::asio::ip::address_v4(server.address.bits), server.port});
        struct timeval limit = {20, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ask(Tversion{max_message_bytes, "9P2000.L"});
        if (user.empty()) return;  // the test attaches itself
        EXPECT_TRUE(std::holds_alternative<Rattach>(ask(Tattach{0, no_fid, user, "share", no_user})));
        EXPECT_EQ(open(1, "x"), 0);
    }
    int open(std::uint32_t fid, const std::string& name) {
        const int walked = error_of(ask(Twalk{0, fid, {name}}));
        return walked != 0 ? walked : error_of(ask(Tlopen{fid, 2}));
    }
    int create(std::uint32_t fid, const std::string& name) {
        ask(Twalk{0, fid, {}});
        return error_of(ask(Tlcreate{fid, name, 2, 0644, 0}));
    }
    int rename(const std::string& from, const std::string& to) {
        return error_of(ask(Trenameat{0, from, 0, to}));
    }
    int sync(std::uint32_t fid = 1) { return error_of(ask(Tfsync{fid, 0})); }
    void send(std::uint16_t tag, Body body) {
        std::string frame = encode({tag, std::move(body)});
        boost::asio::write(socket_, boost::asio::buffer(frame));
    }
    // So that the server has them all before it has served the first.
    void send_together(std::vector<Message> messages) {
        std::string frames;
        for (const Message& message : messages) frames += encode(message);
        boost::asio::write(socket_, boost::asio::buffer(frames));
    }
    Message next() {
        std::string frame(4, '\0');
        boost::system::error_code error;
        read(frame.data(), 4, error);
        Result<std::uint32_t> size = frame_size(frame, max_message_bytes);
        if (error || size.has_error()) return {};
        frame.resize(*size);
        read(frame.data() + 4, *size - 4, error);
        Result<Message> message = decode(frame);
        return error || message.has_error() ? Message{} : std::move(*message);
    }
    Body ask(Body body) {
        send(1, std::move(body));
        Message answer = next();
        EXPECT_EQ(answer.tag, 1);
        return std::move(answer.body);
    }
    static Tlock lock(std::uint32_t flags, std::uint8_t type = lock_write) {
        return Tlock{1, type, flags, 0, 10, 1, "p"};
    }
    int lock_status(std::uint32_t flags, std::uint8_t type = lock_write) {
        Body answer = ask(lock(flags, type));
        const auto* it = std::get_if<Rlock>(&answer);
        return it == nullptr ? -error_of(answer) : it->status;
    }
    static int error_of(const Body& answer) {
        const auto* it = std::get_if<Rlerror>(&answer);
        return it == nullptr ? 0 : static_cast<int>(it->error);
    }
    int write(const std::string& text, std::uint64_t offset = 0, std::uint32_t fid = 1) {
        return error_of(ask(Twrite{fid, offset, {text}}));
    }
    // As a program that calls setxattr().
    int set_attribute(std::uint32_t fid, const std::string& name, const std::string& value) {
        ask(Twalk{fid, 8, {}});
        const int begun = error_of(ask(Txattrcreate{8, name, value.size(), 0}));
        const int written = begun != 0 ? begun : error_of(ask(Twrite{8, 0, {value}}));
        const int clunked = error_of(ask(Tclunk{8}));
        return written != 0 ? written : clunked;
    }
    std::string attribute(std::uint32_t fid, const std::string& name) {
        Body walked = ask(Txattrwalk{fid, 9, name});
        EXPECT_EQ(error_of(walked), 0);
        Body answer = ask(Tread{9, 0, 100});
        ask(Tclunk{9});
        const auto* it = std::get_if<Rread>(&answer);
        return it == nullptr ? "" : it->data.value;
    }
    void close() { socket_.close(); }

  private:
    // recv() itself, as asio would wait on after SO_RCVTIMEO.
    void read(char* into, std::size_t bytes, boost::system::error_code& error) {
        for (std::size_t done = 0; done < bytes;) {
            ssize_t got = ::recv(socket_.native_handle(), into + done, bytes - done, 0);
            if (got <= 0) {
                error = boost::asio::error::timed_out;
                return;
            }
            done += static_cast<std::size_t>(got);
        }
    }
    boost::asio::io_context context_;
    tcp::socket socket_;
};

struct ServerTest : testing::Test {
    void SetUp() override {
        directory = scratch.emplace(place()).path();
        std::filesystem::create_directory(directory + "/data");
        std::ofstream(directory + "/data/x") << "old";
        start();
    }
    ~ServerTest() override { stop(); }
    void TearDown() override {
        stop();
        scratch.reset();
    }
    void start() {
        context = std::make_unique<boost::asio::io_context>(1);
        server = std::make_unique<Server>(*context, events);
        ServerConfig config{{{0x7f000001}, 0}, {{"share", directory + "/data", 0, 30s}}};
        configure(config.exports.front());
        const Result<void> started = server->start(config);
        ASSERT_FALSE(started.has_error()) << started.error().message();
        at = server->local_endpoint();
        thread = std::thread([this] { context->run(); });
    }
    void stop() {
        if (!thread.joinable()) return;
        context->stop();
        thread.join();
        server.reset();
        context.reset();
    }
    virtual void configure(ExportConfig&) {}
    virtual std::string place() const { return std::filesystem::temp_directory_path(); }
    // What a share holds lives on the server's thread.
    template <typename Work>
    auto with_share(Work work) {
        std::promise<decltype(work(std::declval<ExportedShare&>()))> done;
        boost::asio::post(*context, [&] { done.set_value(work(server->shares().at("share"))); });
        return done.get_future().get();
    }
    void fault(const std::string& id, const std::string& kind,
               const std::map<std::string, std::string>& words = {}) {
        const Result<Fault> parsed = parse_fault(kind, words);
        ASSERT_FALSE(parsed.has_error()) << parsed.error().message();
        ASSERT_TRUE(with_share([&](ExportedShare& it) { return it.faults->apply(id, *parsed).has_value(); }));
    }
    bool heal(const std::string& id) {
        return with_share([&](ExportedShare& it) { return it.faults->heal(id); });
    }
    // Until it holds, at most 20 s.
    template <typename Condition>
    ::testing::AssertionResult comes_true(const std::string& what, Condition condition) {
        for (const auto end = std::chrono::steady_clock::now() + 20s; !with_share(condition);) {
            if (std::chrono::steady_clock::now() > end)
                return ::testing::AssertionFailure() << "waited 20 s: " << what;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return ::testing::AssertionSuccess();
    }
    std::uint64_t inode() const {
        struct stat status = {};
        ::stat((directory + "/data/x").c_str(), &status);
        return status.st_ino;
    }
    std::string text(const std::string& name = "x") const {
        return test::content_of(directory + "/data/" + name);
    }

    std::optional<test::ScratchDirectory> scratch;
    std::string directory;
    io::EventWriter events{"files", -1};
    std::unique_ptr<boost::asio::io_context> context;
    std::unique_ptr<Server> server;
    Endpoint at;
    std::thread thread;
};

}  // namespace understudy::files
