// SPDX-License-Identifier: Apache-2.0
// A real server on loopback, with clients that speak 9P by hand: what waits, what is given up, and a client
// of an old epoch.
#include "storage/files/server/server.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "storage/files/core/codec.hpp"

namespace understudy::files {
namespace {

using boost::asio::ip::tcp;

// Reads give up after 20 s, so that a missing answer fails the test rather than hang it.
class Client {
  public:
    Client(const Endpoint& server, const std::string& user) : socket_(context_) {
        socket_.connect({boost::asio::ip::address_v4(server.address.bits), server.port});
        struct timeval limit = {20, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ask(Tversion{max_message_bytes, "9P2000.L"});
        EXPECT_TRUE(std::holds_alternative<Rattach>(ask(Tattach{0, no_fid, user, "share", no_user})));
        ask(Twalk{0, 1, {"x"}});
        EXPECT_TRUE(std::holds_alternative<Rlopen>(ask(Tlopen{1, 2})));
    }
    void send(std::uint16_t tag, Body body) {
        std::string frame = encode({tag, std::move(body)});
        boost::asio::write(socket_, boost::asio::buffer(frame));
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
    int write(const std::string& text) { return error_of(ask(Twrite{1, 0, {text}})); }
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
        std::string pattern = std::filesystem::temp_directory_path() / "understudy-files-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        std::filesystem::create_directory(directory + "/data");
        std::ofstream(directory + "/data/x") << "old";
        start();
    }
    void TearDown() override {
        stop();
        std::filesystem::remove_all(directory);
    }
    void start() {
        context = std::make_unique<boost::asio::io_context>(1);
        server = std::make_unique<Server>(*context, events);
        ServerConfig config{{{0x7f000001}, 0}, {{"share", directory + "/data", 0, 30s}}};
        ASSERT_FALSE(server->start(config).has_error());
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
    // Sessions live on the server's thread.
    template <typename Work>
    auto with_sessions(Work work) {
        std::promise<decltype(work(std::declval<Sessions&>()))> done;
        boost::asio::post(*context, [&] {
            done.set_value(work(*static_cast<Connection::Host&>(*server).find_share("share")->sessions));
        });
        return done.get_future().get();
    }
    std::uint64_t inode() const {
        struct stat status = {};
        ::stat((directory + "/data/x").c_str(), &status);
        return status.st_ino;
    }
    std::string text() const {
        std::stringstream all;
        all << std::ifstream(directory + "/data/x").rdbuf();
        return all.str();
    }

    std::string directory;
    io::EventWriter events{"files", -1};
    std::unique_ptr<boost::asio::io_context> context;
    std::unique_ptr<Server> server;
    Endpoint at;
    std::thread thread;
};

TEST_F(ServerTest, a_lock_that_is_waited_for_is_answered_when_it_is_free) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    EXPECT_EQ(b.lock_status(0), lock_blocked);
    b.send(5, Client::lock(lock_flag_block));
    EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);  // answered past it
    EXPECT_EQ(a.lock_status(0, lock_unlock), lock_success);
    Message answer = b.next();
    EXPECT_EQ(answer.tag, 5);
    ASSERT_TRUE(std::holds_alternative<Rlock>(answer.body));
    EXPECT_EQ(std::get<Rlock>(answer.body).status, lock_success);
    EXPECT_EQ(a.lock_status(0), lock_blocked);
}

TEST_F(ServerTest, a_flushed_lock_is_not_answered_and_never_granted) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Client::lock(lock_flag_block));
    b.send(6, Tflush{5});
    Message answer = b.next();
    EXPECT_EQ(answer.tag, 6);
    EXPECT_TRUE(std::holds_alternative<Rflush>(answer.body));
    a.lock_status(0, lock_unlock);
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Tgetattr{1});  // the tag is free again
    EXPECT_EQ(b.next().tag, 5);
}

TEST_F(ServerTest, a_waiter_s_lock_goes_with_its_connection) {
    Client a(at, "a#1"), c(at, "c#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    {
        Client b(at, "b#1");
        b.send(5, Client::lock(lock_flag_block));
        EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);
        b.close();
    }
    c.send(5, Client::lock(lock_flag_block));
    EXPECT_EQ(Client::error_of(c.ask(Tgetattr{1})), 0);
    Client again(at, "b#1#resume");  // waits until the old connection has nothing running
    a.lock_status(0, lock_unlock);
    EXPECT_EQ(c.next().tag, 5);
}

TEST_F(ServerTest, a_circle_of_waiters_is_answered_as_a_deadlock) {
    Client a(at, "a#1");
    Tlock one{1, lock_write, lock_flag_block, 0, 1, 1, "p"},
        two{1, lock_write, lock_flag_block, 1, 1, 2, "q"};
    EXPECT_EQ(Client::error_of(a.ask(one)), 0);
    EXPECT_EQ(Client::error_of(a.ask(two)), 0);
    std::swap(one.start, two.start);
    a.send(5, one);
    EXPECT_EQ(Client::error_of(a.ask(two)), EDEADLK);
}

TEST_F(ServerTest, a_client_of_an_old_epoch_writes_nothing_and_neither_does_it_after_a_restart) {
    auto a = std::make_unique<Client>(at, "a#1");
    auto b = std::make_unique<Client>(at, "b#1");
    EXPECT_EQ(a->attribute(1, "user.understudy.fence"), "0");
    EXPECT_EQ(a->lock_status(0), lock_success);
    EXPECT_EQ(a->attribute(1, "user.understudy.fence"), "1");
    EXPECT_EQ(with_sessions([&](Sessions& s) { return s.set_fence(1, inode(), 1); }), FenceSet::carried);
    EXPECT_EQ(a->write("first"), 0);
    a->lock_status(0, lock_unlock);
    EXPECT_EQ(b->lock_status(0), lock_success);
    EXPECT_EQ(b->attribute(0, "user.understudy.fence"), "2");

    EXPECT_EQ(a->write("STALE"), ESTALE);
    Tsetattr resize;
    resize.fid = 1;
    resize.valid = setattr_size;
    EXPECT_EQ(Client::error_of(a->ask(resize)), ESTALE);
    EXPECT_EQ(b->write("later"), 0);
    EXPECT_EQ(text(), "later");

    a.reset();
    b.reset();
    stop();
    start();
    Client resumed(at, "a#1#resume");
    EXPECT_EQ(resumed.write("STALE"), ESTALE);
    EXPECT_EQ(text(), "later");
    EXPECT_EQ(resumed.attribute(0, "user.understudy.fence"), std::to_string(fence_block));
    Client fresh(at, "a#2");
    EXPECT_EQ(fresh.write("fresh"), 0);
}

}  // namespace
}  // namespace understudy::files
