// SPDX-License-Identifier: Apache-2.0
// What a mount remembers while nobody else changes the share, and that it doesn't when somebody does.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io/clock.hpp"
#include "mounts.hpp"
#include "storage/files/core/message.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

constexpr int rounds = 30;

class Delegated : public MountsOfTwo {
  protected:
    void SetUp() override {
        delegate_after = "0s";
        begin("4s", true);
    }
    static int status(const std::string& path, struct stat* status = nullptr) {
        struct stat ignored = {};
        return ::stat(path.c_str(), status == nullptr ? &ignored : status) == 0 ? 0 : errno;
    }
    static off_t size(const std::string& path) {
        struct stat told = {};
        return status(path, &told) == 0 ? told.st_size : -1;
    }
    std::size_t questions() const {
        return relay->seen(Twalk::type_number) + relay->seen(Tgetattr::type_number);
    }
    // Until a is asked for that path without asking the server.
    bool is_remembered(const std::string& name) {
        return test::eventually([&] {
            const std::size_t before = questions();
            status(at_a(name));
            status(at_a(name));
            return questions() == before;
        });
    }
};

TEST_F(Delegated, a_mount_that_is_alone_answers_from_memory) {
    put(at_a("x"), "text");
    ASSERT_TRUE(is_remembered("x"));
    ASSERT_TRUE(is_remembered("not there"));
    ASSERT_EQ(::mkdir(at_a("folder").c_str(), 0755), 0);
    const std::size_t walks = relay->seen(Twalk::type_number);
    for (int i = 0; i < rounds; ++i)  // of a folder that it made it knows every name
        EXPECT_EQ(status(at_a("folder/" + std::to_string(i))), ENOENT);
    EXPECT_EQ(relay->seen(Twalk::type_number), walks);
}

TEST_F(Delegated, what_the_other_host_makes_is_there_at_once) {
    for (int i = 0; i < rounds; ++i) {
        const std::string name = std::to_string(i);
        ASSERT_TRUE(is_remembered(name));
        ASSERT_EQ(status(at_a(name)), ENOENT);
        put(at_b(name), "text");
        ASSERT_EQ(size(at_a(name)), 4);
    }
}

TEST_F(Delegated, what_the_other_host_removes_is_gone_at_once) {
    for (int i = 0; i < rounds; ++i) {
        const std::string name = std::to_string(i);
        put(at_a(name), "text");
        ASSERT_TRUE(is_remembered(name));
        ASSERT_EQ(::unlink(at_b(name).c_str()), 0);
        ASSERT_EQ(status(at_a(name)), ENOENT);
    }
}

TEST_F(Delegated, what_the_other_host_writes_is_told_at_once) {
    put(at_a("x"), "");
    io::UniqueFd here = open(at_a("x"), O_RDONLY), there = open(at_b("x"), O_WRONLY);
    for (int i = 1; i <= rounds; ++i) {
        ASSERT_TRUE(is_remembered("x"));
        ASSERT_EQ(::write(there.get(), "y", 1), 1);
        ASSERT_EQ(::fsync(there.get()), 0);
        struct stat told = {};
        ASSERT_EQ(::fstat(here.get(), &told), 0);
        ASSERT_EQ(told.st_size, i);
        ASSERT_EQ(size(at_a("x")), i);
    }
}

TEST_F(Delegated, what_the_other_host_renames_and_changes_is_told_at_once) {
    put(at_a("0"), "text");
    for (int i = 0; i < rounds; ++i) {
        const std::string name = std::to_string(i), next = std::to_string(i + 1);
        ASSERT_TRUE(is_remembered(name) && is_remembered(next));
        ASSERT_EQ(::rename(at_b(name).c_str(), at_b(next).c_str()), 0);
        ASSERT_EQ(status(at_a(name)), ENOENT);
        ASSERT_EQ(status(at_a(next)), 0);
        ASSERT_TRUE(is_remembered(next));
        const mode_t mode = i % 2 == 0 ? 0600 : 0640;
        ASSERT_EQ(::chmod(at_b(next).c_str(), mode), 0);
        struct stat told = {};
        ASSERT_EQ(status(at_a(next), &told), 0);
        ASSERT_EQ(told.st_mode & 07777, mode);
    }
}

TEST_F(Delegated, a_killed_mount_that_the_kernel_still_answers_for_is_not_left_below_the_next) {
    put(at_a("x"), "text");
    ASSERT_TRUE(is_remembered("x") && is_remembered(""));
    a->signal(SIGKILL);
    ASSERT_EQ(a->wait(), -1);
    a = mount("a");
    ASSERT_TRUE(test::eventually([&] { return a->count("ready") == 1; }));
    a.reset();
    ASSERT_EQ(::umount2(directory.path("a").c_str(), MNT_DETACH), 0);
    struct stat below = {}, around = {};
    ASSERT_EQ(status(directory.path("a"), &below), 0);
    ASSERT_EQ(status(directory.path(), &around), 0);
    EXPECT_EQ(below.st_dev, around.st_dev) << "still a mount";
}

TEST_F(Delegated, a_host_that_has_unmounted_keeps_nobody_waiting) {
    put(at_a("x"), "text");
    ASSERT_TRUE(is_remembered("x"));
    a->signal(SIGTERM);
    EXPECT_EQ(a->wait(), 0);
    const Instant began = io::monotonic_now();
    put(at_b("y"), "text");
    EXPECT_LT(io::monotonic_now() - began, 4s);  // no lease was waited for
    EXPECT_EQ(test::content_of(at_b("y")), "text");
}

TEST_F(Delegated, a_host_that_stands_still_keeps_others_waiting_for_one_lease_and_is_told_then) {
    put(at_a("x"), "text");
    ASSERT_TRUE(is_remembered("x"));
    a->signal(SIGSTOP);
    ASSERT_EQ(::unlink(at_b("x").c_str()), 0);
    a->signal(SIGCONT);
    EXPECT_TRUE(test::eventually([&] { return status(at_a("x")) == ENOENT; }));
    // Both, where its session's lease ends before it goes on.
    EXPECT_GE(server->count("session_expired") + server->count("delegation_expired"), 1U);
}

TEST_F(Delegated, after_a_reconnection_what_was_remembered_is_asked_for_anew) {
    for (int i = 0; i < 5; ++i) {
        put(at_a("x"), "text");
        ASSERT_TRUE(is_remembered("x"));
        const std::size_t connections = relay->connections();
        relay->end_connections();
        ASSERT_EQ(::unlink(at_b("x").c_str()), 0);
        ASSERT_EQ(status(at_a("x")), ENOENT);
        EXPECT_GT(relay->connections(), connections);
    }
}

TEST_F(Delegated, two_hosts_that_take_turns_see_each_others_files) {
    for (int i = 0; i < rounds * 3; ++i) {
        const bool is_a = i % 2 == 0;
        const auto mine = [&](int number) {
            return is_a ? at_a(std::to_string(number)) : at_b(std::to_string(number));
        };
        const auto theirs = [&](int number) {
            return is_a ? at_b(std::to_string(number)) : at_a(std::to_string(number));
        };
        put(mine(i), std::to_string(i));
        ASSERT_EQ(test::content_of(theirs(i)), std::to_string(i));
        ASSERT_EQ(size(theirs(i)), static_cast<off_t>(std::to_string(i).size()));
        if (i == 0) continue;
        ASSERT_EQ(::unlink(mine(i - 1).c_str()), 0);
        ASSERT_EQ(status(theirs(i - 1)), ENOENT);
    }
}

}  // namespace
}  // namespace understudy::files::testing
