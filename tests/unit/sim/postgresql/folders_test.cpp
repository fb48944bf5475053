// SPDX-License-Identifier: Apache-2.0
// The folders of a server that isn't there: what a start finds and leaves.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/postgresql/copy_tree.hpp"
#include "sim/postgresql/data_directory.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::postgresql {
namespace {

namespace fs = std::filesystem;

class Folders : public testing::Test {
  protected:
    void SetUp() override {
        scratch_.write("template/PG_VERSION", "15\n");
        scratch_.write("template/base/1/pg_filenode.map", std::string(100'000, 'x'));
        fs::create_directories(scratch_.path() / "template" / "pg_twophase");
        config_.data = (scratch_.path() / "host" / "data").string();
        config_.template_directory = (scratch_.path() / "template").string();
        config_.sockets = (scratch_.path() / "sockets").string();
        fs::create_directories(scratch_.path() / "host");
        fs::permissions(scratch_.path() / "host", fs::perms::owner_all);
    }
    static mode_t mode_of(const fs::path& path) {
        struct stat found {};
        return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
    }

    test::ScratchDirectory scratch_;
    Config config_;
    ServerUser self_{::geteuid(), ::getegid()};
};

TEST_F(Folders, the_first_start_copies_the_template_for_the_server_alone) {
    const auto prepared = prepare_folders(config_, self_);
    ASSERT_TRUE(prepared.has_value()) << prepared.error().message();
    const fs::path data = config_.data;
    EXPECT_EQ(test::content_of(data / "base/1/pg_filenode.map"), std::string(100'000, 'x'));
    EXPECT_TRUE(fs::is_directory(data / "pg_twophase"));
    EXPECT_EQ(mode_of(data), 0700u);
    EXPECT_EQ(mode_of(data / "PG_VERSION"), 0600u);
    EXPECT_EQ(mode_of(config_.sockets), 0700u);
    EXPECT_EQ(mode_of(scratch_.path() / "host"), 0711u) << "the server's user gets through to its data";
}

TEST_F(Folders, a_later_start_keeps_the_data_and_takes_away_what_a_killed_server_left) {
    ASSERT_TRUE(prepare_folders(config_, self_).has_value());
    scratch_.write("host/data/base/1/2601", "a table");
    scratch_.write("host/data/postmaster.pid", "1\n");
    scratch_.write("sockets/.s.PGSQL.5432.lock", "1\n");
    ASSERT_TRUE(prepare_folders(config_, self_).has_value());
    EXPECT_EQ(test::content_of(fs::path(config_.data) / "base/1/2601"), "a table");
    EXPECT_FALSE(fs::exists(fs::path(config_.data) / "postmaster.pid"));
    EXPECT_TRUE(fs::is_empty(config_.sockets));
}

TEST_F(Folders, a_copy_that_was_interrupted_is_begun_anew) {
    scratch_.write("host/data.part/base/1/pg_filenode.map", "half");
    ASSERT_TRUE(prepare_folders(config_, self_).has_value());
    EXPECT_EQ(test::content_of(fs::path(config_.data) / "base/1/pg_filenode.map").size(), 100'000u);
    EXPECT_FALSE(fs::exists(config_.data + ".part"));
}

TEST_F(Folders, a_template_that_is_missing_or_odd_is_named) {
    config_.template_directory = "/no/such/template";
    const auto missing = prepare_folders(config_, self_);
    ASSERT_TRUE(missing.has_error());
    EXPECT_EQ(missing.error().subject, "/no/such/template");
    EXPECT_FALSE(fs::exists(config_.data));
    ASSERT_EQ(::mkfifo((scratch_.path() / "template" / "pipe").c_str(), 0600), 0);
    const auto odd =
        copy_tree(scratch_.path() / "template", scratch_.path() / "copy", self_.user, self_.group);
    ASSERT_TRUE(odd.has_error());
    EXPECT_EQ(odd.error().message(),
              (scratch_.path() / "template" / "pipe").string() + ": is neither a file nor a folder");
}

TEST_F(Folders, a_server_is_ready_when_its_lock_file_says_so_in_the_eighth_line) {
    const std::string lines = "7\n/data\n1\n5432\n/run\n203.0.113.30\n 1 2\n";
    fs::create_directories(config_.data);
    EXPECT_FALSE(says_it_is_ready(config_.data));
    scratch_.write("host/data/postmaster.pid", lines);
    EXPECT_FALSE(says_it_is_ready(config_.data));
    scratch_.write("host/data/postmaster.pid", lines + "starting\n");
    EXPECT_FALSE(says_it_is_ready(config_.data));
    scratch_.write("host/data/postmaster.pid", lines + "ready   \n");
    EXPECT_TRUE(says_it_is_ready(config_.data));
}

// A process that executes a program in a folder, ended with the test.
class Process {
  public:
    Process(const fs::path& program, const fs::path& folder) : pid_(::fork()) {
        if (pid_ == 0) {
            if (::chdir(folder.c_str()) == 0) ::execl(program.c_str(), "sleep", "600", nullptr);
            ::_exit(127);
        }
        // Until it is that program: what has yet to execute it would not be found.
        std::error_code ignored;
        while (fs::read_symlink("/proc/" + std::to_string(pid_) + "/exe", ignored) != program) ::usleep(1000);
    }
    ~Process() {
        if (has_ended()) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    bool has_ended() {
        ended_ = ended_ || ::waitpid(pid_, nullptr, WNOHANG) == pid_;
        return ended_;
    }

  private:
    pid_t pid_;
    bool ended_ = false;
};

TEST_F(Folders, every_process_of_a_server_is_ended_and_no_other) {
    const fs::path program = scratch_.path() / "left-behind";
    fs::copy_file("/bin/sleep", program);
    fs::create_directories(config_.data);
    Process one(program, config_.data);
    Process two(program, config_.data);
    Process of_other_data(program, scratch_.path() / "template");
    Process of_other_program(fs::canonical("/bin/sleep"), config_.data);
    EXPECT_TRUE(end_processes_of(program, config_.data).has_value());
    EXPECT_TRUE(one.has_ended());
    EXPECT_TRUE(two.has_ended());
    EXPECT_FALSE(of_other_data.has_ended());
    EXPECT_FALSE(of_other_program.has_ended());
    EXPECT_TRUE(end_processes_of(program, "/no/such/data").has_value());
}

}  // namespace
}  // namespace understudy::postgresql
