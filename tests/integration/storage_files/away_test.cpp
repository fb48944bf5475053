// SPDX-License-Identifier: Apache-2.0
// What callers meet while the server is away, and that a mount can always be ended.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/io/clock.hpp"
#include "mounts.hpp"
#include "storage/files/core/message.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

class Away : public MountsOfTwo {
  protected:
    static int stat_of(const std::string& path) {
        struct stat status = {};
        return ::stat(path.c_str(), &status) == 0 ? 0 : errno;
    }
    static int outcome_of(const char* program, const std::string& first, const std::string& second = {}) {
        Child child([&] {
            ::execlp(program, program, first.c_str(), second.empty() ? nullptr : second.c_str(), nullptr);
            return 127;
        });
        EXPECT_TRUE(child.has_ended(20s)) << program << " still waits";
        return child.status();
    }
    bool is_mounted(const std::string& client) const {
        struct stat mounted = {}, around = {};
        return ::stat(directory.path(client).c_str(), &mounted) != 0 ||
               (::stat(directory.path().c_str(), &around) == 0 && mounted.st_dev != around.st_dev);
    }
};

TEST_F(Away, with_error_callers_get_eio_after_that_time) {
    begin("20s", false, {"--on-loss", "error:1s"});
    io::UniqueFd file = open(at_a("file"));
    server->signal(SIGSTOP);
    server->signal(SIGKILL);
    server->wait();
    const Instant asked = io::monotonic_now();
    EXPECT_EQ(stat_of(at_a("file")), EIO);
    const Duration waited = io::monotonic_now() - asked;
    EXPECT_GE(waited, 800ms);
    EXPECT_LE(waited, 8s) << "the lease is 20 s";
    EXPECT_EQ(::pwrite(file.get(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EIO);
    start_server();
    ASSERT_TRUE(test::eventually([&] { return a->count("ready") == 2; }));
    EXPECT_EQ(::pwrite(file.get(), "x", 1, 0), 1) << "within the lease nothing is lost";
    EXPECT_EQ(::fsync(file.get()), 0);
}

TEST_F(Away, with_hang_callers_wait_past_the_lease_until_the_server_is_back_or_they_are_killed) {
    begin("1s", false, {"--on-loss", "hang"});
    put(at_a("file"), "text");
    ASSERT_EQ(::mkdir(at_a("folder").c_str(), 0755), 0);
    put(at_a("folder/file"), "text");
    const io::UniqueFd folder = open(at_a("folder"), O_PATH | O_DIRECTORY);
    server->signal(SIGKILL);
    server->wait();
    Child reader([&] { return test::content_of(at_a("file")) == "text" ? 0 : 1; });
    // In a folder of its own: who waits for another's look-up in a folder can't be killed; see "While the
    // server is away" in docs/file-service.md.
    Child killed([&] { return ::openat(folder.get(), "file", O_RDONLY | O_CLOEXEC) < 0 ? 1 : 0; });
    EXPECT_FALSE(reader.has_ended(3s));
    EXPECT_FALSE(killed.has_ended(10ms));
    killed.kill();
    EXPECT_TRUE(killed.has_ended(5s));
    start_server();
    ASSERT_TRUE(reader.has_ended(15s));
    EXPECT_EQ(reader.status(), 0);
}

TEST_F(Away, a_mount_whose_server_is_gone_or_frozen_can_be_unmounted_and_ended) {
    begin("20s", false, {"--on-loss", "hang"});
    put(at_a("file"), "text");
    server->signal(SIGSTOP);
    Child reader([&] { return test::content_of(at_a("file")).empty() ? 1 : 0; });
    EXPECT_FALSE(reader.has_ended(200ms));
    EXPECT_EQ(::umount2(directory.path("a").c_str(), 0), -1);
    EXPECT_EQ(errno, EBUSY) << "somebody uses it";
    a->signal(SIGTERM);
    EXPECT_EQ(a->wait(), 0);
    EXPECT_TRUE(reader.has_ended(5s));
    EXPECT_FALSE(is_mounted("a"));
    EXPECT_EQ(::umount2(directory.path("b").c_str(), 0), 0);
    EXPECT_EQ(b->wait(), 0);
    EXPECT_FALSE(is_mounted("b"));
}

TEST_F(Away, the_unmounting_programs_work_while_the_server_is_gone) {
    begin("20s", false, {"--on-loss", "hang"});
    server->signal(SIGKILL);
    server->wait();
    ASSERT_TRUE(test::eventually([&] { return a->count("not_ready") == 1 && b->count("not_ready") == 1; }));
    EXPECT_EQ(outcome_of("umount", directory.path("a")), 0);
    EXPECT_EQ(a->wait(), 0);
    if (::access("/usr/bin/fusermount3", X_OK) != 0) return;
    EXPECT_EQ(outcome_of("fusermount3", "-u", directory.path("b")), 0);
    EXPECT_EQ(b->wait(), 0);
}

TEST_F(Away, the_unmounting_program_works_though_the_server_froze_and_nobody_knows_yet) {
    begin("2s", false, {"--on-loss", "hang"});
    server->signal(SIGSTOP);
    EXPECT_EQ(outcome_of("umount", directory.path("a")), 0);
    EXPECT_EQ(a->wait(), 0);
    server->signal(SIGCONT);
    EXPECT_EQ(stat_of(directory.path("b")), 0);
    EXPECT_EQ(stat_of(at_b("none")), ENOENT);
}

TEST_F(Away, a_killed_mount_lets_its_callers_go_though_its_server_is_frozen) {
    begin("20s", false, {"--on-loss", "hang"});
    server->signal(SIGSTOP);
    Child reader([&] { return stat_of(at_a("file")); });
    EXPECT_FALSE(reader.has_ended(200ms));
    a->signal(SIGKILL);
    EXPECT_TRUE(reader.has_ended(5s));
    EXPECT_EQ(::umount2(directory.path("a").c_str(), MNT_DETACH), 0);
}

TEST_F(Away, a_server_that_refuses_is_asked_again_after_a_second_and_its_reason_is_said) {
    begin("20s", true);
    a.reset();
    const std::size_t before = relay->connections();
    a = mount("a", {}, "no-such-export");
    ASSERT_TRUE(test::eventually([&] { return a->count("not_ready") == 1; }));
    EXPECT_NE(a->events().back().detail.find("No such file or directory"), std::string::npos)
        << a->events().back().detail;
    ASSERT_TRUE(test::eventually([&] { return relay->connections() >= before + 3; }));
    EXPECT_EQ(a->count("not_ready"), 1U);
    const Instant then = io::monotonic_now();
    const std::size_t now = relay->connections();
    ASSERT_TRUE(test::eventually([&] { return relay->connections() >= now + 2; }));
    EXPECT_GE(io::monotonic_now() - then, 900ms);
    EXPECT_EQ(a->count("ready"), 0U);
}

class Behind : public MountsOfTwo {};

TEST_F(Behind, writes_do_not_wait_and_fsync_reads_and_unlocking_do) {
    begin("20s", true);
    io::UniqueFd file = open(at_a("file")), guard = open(at_a("guard"));
    ASSERT_EQ(lock(guard.get()), 0);
    const std::string data(100'000, 'x');
    relay->hold_answers(true);
    std::atomic<ssize_t> written = -2;
    std::thread writer([&] { written = ::pwrite(file.get(), data.data(), data.size(), 0); });
    // Within a quarter of the lease: then silence ends the connection.
    ASSERT_TRUE(test::eventually([&] { return written != -2; }, 4s));
    writer.join();
    EXPECT_EQ(written, static_cast<ssize_t>(data.size()));
    auto waiting_for_the_write = [&] {
        return relay->seen(Tlock::type_number) + relay->seen(Tfsync::type_number) +
               relay->seen(Tread::type_number);
    };
    const std::size_t before = waiting_for_the_write();
    std::atomic<bool> unlocked = false;
    std::thread unlocker([&] {  // fcntl's locks are a process's
        EXPECT_EQ(lock(guard.get(), F_UNLCK), 0);
        unlocked = true;
    });
    Child syncer([&] { return ::fsync(file.get()) == 0 ? 0 : 1; });
    Child reader([&] {
        char first = 0;
        return ::pread(file.get(), &first, 1, 0) == 1 && first == 'x' ? 0 : 1;
    });
    EXPECT_FALSE(syncer.has_ended(100ms));
    EXPECT_FALSE(reader.has_ended(1ms));
    EXPECT_FALSE(unlocked);
    EXPECT_EQ(waiting_for_the_write(), before) << "they may not even be asked for before it is answered";
    relay->hold_answers(false);
    ASSERT_TRUE(syncer.has_ended(10s));
    ASSERT_TRUE(reader.has_ended(10s));
    unlocker.join();
    EXPECT_EQ(syncer.status(), 0);
    EXPECT_EQ(reader.status(), 0);
}

TEST_F(Behind, what_was_written_under_a_lock_is_there_when_another_host_gets_it) {
    begin("20s", true);
    io::UniqueFd data = open(at_a("data")), here = open(at_a("lock")), there = open(at_b("lock"));
    for (int round = 0; round < 50; ++round) {
        ASSERT_EQ(lock(here.get()), 0);
        const std::string text = std::to_string(round + 1000);
        ASSERT_EQ(::pwrite(data.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        ASSERT_EQ(lock(here.get(), F_UNLCK), 0);
        ASSERT_EQ(lock(there.get()), 0);
        ASSERT_EQ(test::content_of(at_b("data")), text);
        ASSERT_EQ(lock(there.get(), F_UNLCK), 0);
    }
}

TEST_F(Behind, a_killed_writer_s_bytes_arrive_before_its_lock_is_free) {
    begin("20s", true);
    put(at_a("data"), "before");
    io::UniqueFd there = open(at_b("lock"));
    Child writer([&] {
        io::UniqueFd file = open(at_a("data"), O_RDWR), guard = open(at_a("lock"));
        if (lock(guard.get()) != 0 || ::pwrite(file.get(), "behind", 6, 0) != 6) return 1;
        ::kill(::getpid(), SIGKILL);
        return 2;
    });
    ASSERT_TRUE(writer.has_ended(10s));
    ASSERT_TRUE(test::eventually([&] { return lock(there.get()) == 0; }));
    EXPECT_EQ(test::content_of(at_b("data")), "behind");
}

}  // namespace
}  // namespace understudy::files::testing
