// SPDX-License-Identifier: Apache-2.0
// The real server and mounts through real sockets on loopback. The lease is two seconds.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "base/io/clock.hpp"
#include "base/random.hpp"
#include "mounts.hpp"
#include "peer.hpp"
#include "storage/files/core/codec.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

namespace fs = std::filesystem;
constexpr Duration lease = 2s;

class Mounts : public MountsOfTwo {
  protected:
    void SetUp() override { begin("2s", false); }
};

TEST_F(Mounts, what_one_host_does_the_other_sees_at_once) {
    put(at_a("x"), "hello");
    EXPECT_EQ(test::content_of(at_b("x")), "hello");
    fs::create_directory(at_b("d"));
    fs::rename(at_a("x"), at_a("d/y"));
    EXPECT_FALSE(fs::exists(at_b("x")));
    EXPECT_EQ(test::content_of(at_b("d/y")), "hello");
    fs::create_hard_link(at_a("d/y"), at_a("z"));
    fs::create_symlink("d/y", at_a("s"));
    EXPECT_EQ(fs::read_symlink(at_b("s")), "d/y");
    EXPECT_EQ(test::content_of(at_b("s")), "hello");
    EXPECT_EQ(fs::hard_link_count(at_b("z")), 2U);
    fs::resize_file(at_b("z"), 2);
    EXPECT_EQ(test::content_of(at_a("d/y")), "he");
    fs::permissions(at_a("z"), fs::perms(0600));
    EXPECT_EQ(fs::status(at_b("z")).permissions(), fs::perms(0600));
    EXPECT_THROW(fs::remove(at_a("d")), fs::filesystem_error);
    fs::remove_all(at_a("d"));
    EXPECT_FALSE(fs::exists(at_b("d")));
    std::set<std::string> names;
    for (int i = 0; i < 500; ++i) put(at_a("file-" + std::to_string(i)), "");
    for (const auto& entry : fs::directory_iterator(directory.path("b")))
        names.insert(entry.path().filename());
    EXPECT_EQ(names.size(), 502U);
    io::UniqueFd file = open(at_a("z"));
    EXPECT_EQ(::fsync(file.get()), 0);
    fs::remove(at_b("z"));
    EXPECT_EQ(::write(file.get(), "ok", 2), 2);  // unlinked, but open
}

TEST_F(Mounts, sixty_four_mebibytes_come_back_as_they_went_and_the_quota_ends_it_there) {
    Random random(3);
    std::string data(64 << 20, '\0');
    for (std::size_t i = 0; i + 8 <= data.size(); i += 8) {
        std::uint64_t word = random.next();
        data.replace(i, 8, reinterpret_cast<const char*>(&word), 8);
    }
    put(at_a("big"), data);
    EXPECT_TRUE(test::content_of(at_b("big")) == data);
    io::UniqueFd more = open(at_b("more"));
    std::string block(1 << 20, 'x');
    std::size_t written = 0;
    ssize_t count = 0;
    while ((count = ::write(more.get(), block.data(), block.size())) > 0)
        written += static_cast<std::size_t>(count);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_LE(written, std::size_t{24} << 20) << "8 MiB may be on their way before one is refused";
    EXPECT_GT(written, std::size_t{15} << 20);
    EXPECT_LE(fs::file_size(at_a("more")), std::size_t{16} << 20);
    EXPECT_LT(::pwrite(more.get(), block.data(), block.size(), 20 << 20), 0) << "it is told again";
    fs::remove(at_a("big"));
    EXPECT_EQ(::pwrite(more.get(), block.data(), block.size(), 0), ssize_t{1} << 20);
    EXPECT_EQ(::fsync(more.get()), 0);
}

TEST_F(Mounts, two_hosts_exclude_each_other_by_fcntl_and_by_flock) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    EXPECT_EQ(lock(one.get()), 0);
    EXPECT_EQ(lock(other.get()), EAGAIN);
    struct flock seen = {};
    seen.l_type = F_WRLCK;
    EXPECT_EQ(::fcntl(other.get(), F_GETLK, &seen), 0);
    EXPECT_EQ(seen.l_type, F_WRLCK);
    EXPECT_EQ(seen.l_len, 10);
    EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);  // a space of its own, as on a local file system
    EXPECT_EQ(::flock(one.get(), LOCK_EX | LOCK_NB), -1);
    Child waiter([&] { return lock(open(at_b("lock")).get(), F_WRLCK, F_SETLKW); });
    EXPECT_FALSE(waiter.has_ended(300ms));
    one.reset();  // closing frees it
    ASSERT_TRUE(waiter.has_ended(5s));
    EXPECT_EQ(waiter.status(), 0);
    EXPECT_EQ(server->count("lock_refused"), 2U);
}

TEST_F(Mounts, a_waiter_for_a_lock_can_be_killed_and_gets_nothing) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    ASSERT_EQ(lock(one.get()), 0);
    Child waiter([&] { return lock(open(at_b("lock")).get(), F_WRLCK, F_SETLKW); });
    ASSERT_FALSE(waiter.has_ended(200ms));
    waiter.kill();
    ASSERT_TRUE(waiter.has_ended(1s));
    ASSERT_EQ(lock(one.get(), F_UNLCK), 0);
    EXPECT_EQ(lock(other.get()), 0);
}

TEST_F(Mounts, a_dead_mount_s_lock_is_granted_when_its_lease_has_ended_and_not_before) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    ASSERT_EQ(lock(one.get()), 0);
    Instant killed = io::monotonic_now();
    a->signal(SIGKILL);
    ASSERT_TRUE(test::eventually([&] { return lock(other.get()) == 0; }));
    Duration after = io::monotonic_now() - killed;
    EXPECT_GE(after, lease * 3 / 4 - 50ms);  // it was last heard at most a quarter of the lease before
    EXPECT_LE(after, lease + 1s);
    EXPECT_EQ(server->count("session_expired"), 1U);
    EXPECT_EQ(server->count("lock_expired"), 1U);
}

TEST_F(Mounts, a_new_mount_of_the_same_client_frees_the_old_one_s_locks_at_once) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    ASSERT_EQ(lock(one.get()), 0);
    a->signal(SIGKILL);
    ASSERT_EQ(a->wait(), -1);
    std::unique_ptr<Program> again = mount("a");
    ASSERT_TRUE(test::eventually([&] { return again->count("ready") == 1; }));
    EXPECT_EQ(lock(other.get()), 0);
    EXPECT_EQ(server->count("session_expired"), 0U);
    EXPECT_TRUE(fs::exists(at_a("lock")));
}

TEST_F(Mounts, sigterm_unmounts_and_frees_the_locks_at_once) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    ASSERT_EQ(lock(one.get()), 0);
    Instant asked = io::monotonic_now();
    a->signal(SIGTERM);
    EXPECT_EQ(a->wait(), 0);
    EXPECT_LE(io::monotonic_now() - asked, 2s);
    EXPECT_EQ(lock(other.get()), 0);
    EXPECT_FALSE(fs::exists(at_a("lock")));
}

TEST_F(Mounts, while_the_server_is_frozen_a_reader_can_be_killed_and_within_the_lease_nothing_is_lost) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    ASSERT_EQ(::write(one.get(), "kept", 4), 4);
    ASSERT_EQ(lock(one.get()), 0);
    server->signal(SIGSTOP);
    Child reader([&] { return test::content_of(at_a("lock")).empty() ? 1 : 0; });
    ASSERT_TRUE(test::eventually([&] { return a->count("not_ready") == 1; }));
    EXPECT_FALSE(reader.has_ended(10ms));
    reader.kill();
    EXPECT_TRUE(reader.has_ended(500ms));
    server->signal(SIGCONT);
    ASSERT_TRUE(test::eventually([&] { return a->count("ready") == 2; }));
    char text[5] = {};
    EXPECT_EQ(::pread(one.get(), text, 4, 0), 4);
    EXPECT_STREQ(text, "kept");
    EXPECT_EQ(lock(other.get()), EAGAIN);
    EXPECT_EQ(a->count("session_lost"), 0U);
}

TEST_F(Mounts, away_for_longer_than_the_lease_open_files_fail_and_new_ones_work) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    ASSERT_EQ(lock(one.get()), 0);
    a->signal(SIGSTOP);
    ASSERT_TRUE(test::eventually([&] { return lock(other.get()) == 0; }));
    a->signal(SIGCONT);
    ASSERT_TRUE(test::eventually([&] { return a->count("ready") == 2; }));
    EXPECT_EQ(::write(one.get(), "stale", 5), -1);
    EXPECT_EQ(errno, ESTALE);
    EXPECT_EQ(lock(one.get()), ESTALE);
    put(at_a("new"), "works");
    EXPECT_EQ(test::content_of(at_b("new")), "works");
    EXPECT_EQ(test::content_of(at_b("lock")), "");
}

TEST_F(Mounts, a_server_that_is_gone_fails_requests_after_a_lease) {
    io::UniqueFd one = open(at_a("file"));
    server->signal(SIGKILL);
    Instant asked = io::monotonic_now();
    char byte = 'x';
    // Written without waiting, maybe: then fsync tells.
    EXPECT_TRUE(::pwrite(one.get(), &byte, 1, 0) == -1 || ::fsync(one.get()) == -1);
    EXPECT_EQ(errno, EIO);
    EXPECT_LE(io::monotonic_now() - asked, lease + 1s);
}

TEST_F(Mounts, a_killed_server_that_is_back_within_the_lease_finds_files_and_locks_where_they_were) {
    fs::create_directory(at_a("d"));
    io::UniqueFd one = open(at_a("d/lock")), other = open(at_b("d/lock"));
    ASSERT_EQ(::write(one.get(), "kept", 4), 4);
    ASSERT_EQ(::fsync(one.get()), 0);
    ASSERT_EQ(lock(one.get()), 0);
    server->signal(SIGKILL);
    server->wait();
    start_server();
    EXPECT_EQ(lock(other.get()), EAGAIN);  // waits until the other client had its chance to reclaim
    EXPECT_EQ(::pwrite(one.get(), "more", 4, 4), 4);
    EXPECT_EQ(test::content_of(at_b("d/lock")), "keptmore");
    EXPECT_EQ(a->count("session_lost"), 0U);
    EXPECT_EQ(server->count("lock_granted"), 1U);
}

TEST_F(Mounts, pages_of_a_mapping_do_not_go_to_the_end_of_a_file_that_appends) {
    put(at_a("file"), std::string(5000, 'x'));
    io::UniqueFd file = open(at_a("file"), O_RDWR | O_APPEND);
    void* at = ::mmap(nullptr, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (at == MAP_FAILED && errno == ENODEV) GTEST_SKIP() << "this kernel maps no such file shared";
    ASSERT_NE(at, MAP_FAILED);
    static_cast<char*>(at)[0] = 'y';
    EXPECT_EQ(::msync(at, 5000, MS_SYNC), 0);
    ::munmap(at, 5000);
    EXPECT_EQ(test::content_of(at_b("file")), "y" + std::string(4999, 'x'));
    EXPECT_EQ(::write(file.get(), "end", 3), 3);
    EXPECT_EQ(test::content_of(at_b("file")), "y" + std::string(4999, 'x') + "end");
}

TEST_F(Mounts, a_lock_s_fencing_number_is_an_attribute_of_its_file) {
    io::UniqueFd one = open(at_a("lock")), other = open(at_b("lock"));
    auto number = [](const std::string& path) {
        char text[32] = {};
        return ::getxattr(path.c_str(), "user.understudy.fence", text, sizeof text - 1) > 0 ? std::stol(text)
                                                                                            : -1;
    };
    EXPECT_EQ(number(at_a("lock")), 0);
    ASSERT_EQ(lock(one.get()), 0);
    const long first = number(at_a("lock"));
    EXPECT_GT(first, 0);
    EXPECT_EQ(number(at_b("lock")), first);
    ASSERT_EQ(lock(one.get(), F_UNLCK), 0);
    ASSERT_EQ(lock(other.get()), 0);
    EXPECT_GT(number(at_a("lock")), first);
}

class MountsByRelay : public MountsOfTwo {
  protected:
    void SetUp() override { begin("60s", true); }
};

TEST_F(MountsByRelay, a_fid_that_is_given_up_is_clunked_though_nothing_else_is_asked_for) {
    std::size_t clunked = relay->seen(Rclunk::type_number);
    const auto one_more = [&] { return relay->seen(Rclunk::type_number) > clunked; };
    put(at_a("x"), "text");
    ASSERT_TRUE(test::eventually(one_more));  // the open one
    for (int i = 0; i < 20; ++i) {
        io::UniqueFd file = open(at_a("x"), O_RDONLY);
        clunked = relay->seen(Rclunk::type_number);
        file.reset();
        const Instant asked = io::monotonic_now();
        ASSERT_TRUE(test::eventually(one_more));
        ASSERT_LT(io::monotonic_now() - asked, 5s);  // before the next question whether the server is there
    }
}

TEST_F(Mounts, a_malformed_message_ends_its_own_connection_only) {
    io::UniqueFd socket(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::string frame = encode({no_tag, Tversion{65536, "9P2000.L"}});
    ASSERT_EQ(::send(socket.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
    char reply[64];
    ASSERT_GT(::recv(socket.get(), reply, sizeof reply, 0), 0);
    frame = encode({1, Tclunk{1}});
    frame[4] = 1;  // no such type
    ASSERT_EQ(::send(socket.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
    EXPECT_EQ(::recv(socket.get(), reply, sizeof reply, 0), 0);
    put(at_a("x"), "alive");
    EXPECT_EQ(test::content_of(at_b("x")), "alive");
}

}  // namespace
}  // namespace understudy::files::testing
