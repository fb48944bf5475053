// SPDX-License-Identifier: Apache-2.0
// Our mount with another's server: diod, a 9P2000.L server that knows nothing of leases, and only the older
// messages for renaming and removing.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "base/io/free_port.hpp"
#include "base/io/unique_fd.hpp"
#include "tests/integration/storage_files/programs.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* diod = "/usr/sbin/diod";

class Diod : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::access(diod, X_OK) != 0) GTEST_SKIP() << "package diod is missing";
        if (std::string why = why_not(); !why.empty()) GTEST_SKIP() << why;
        const std::string listen = fmt::format("127.0.0.1:{}", io::free_port());
        fs::create_directory(directory.path("data"));
        server = std::make_unique<Child>([&] {
            const std::string log = directory.path("log");
            ::execl(diod, diod, "-f", "-n", "-c", "/dev/null", "-L", log.c_str(), "-l", listen.c_str(), "-e",
                    directory.path("data").c_str(), nullptr);
            return 127;
        });
        mount = std::make_unique<Program>(std::vector<std::string>{"understudy-mount", "--server", listen,
                                                                   "--export", directory.path("data"),
                                                                   "--client", "a", directory.path("a")});
        ASSERT_TRUE(test::eventually([&] { return mount->count("ready") == 1; }))
            << test::content_of(directory.path("log"));
    }
    std::string share(const std::string& name) const { return directory.path("a/" + name); }
    std::string data(const std::string& name) const { return directory.path("data/" + name); }

    Directory directory;
    std::unique_ptr<Child> server;
    std::unique_ptr<Program> mount;
};

TEST_F(Diod, our_mount_uses_its_files) {
    std::string bytes(3 << 20, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 13);
    std::ofstream(share("there"), std::ios::binary) << bytes;
    EXPECT_TRUE(test::content_of(data("there")) == bytes);
    std::ofstream(data("back"), std::ios::binary) << bytes;
    EXPECT_TRUE(test::content_of(share("back")) == bytes);

    fs::create_directory(share("folder"));
    fs::rename(share("there"), share("folder/renamed"));
    EXPECT_FALSE(fs::exists(data("there")));
    EXPECT_TRUE(test::content_of(share("folder/renamed")) == bytes);
    fs::create_symlink("folder/renamed", share("symlink"));
    EXPECT_EQ(fs::read_symlink(data("symlink")), "folder/renamed");
    EXPECT_EQ(fs::file_size(share("symlink")), bytes.size());
    fs::create_hard_link(share("back"), share("link"));
    EXPECT_EQ(fs::hard_link_count(share("back")), 2U);
    fs::resize_file(share("back"), 1000);
    EXPECT_EQ(fs::file_size(data("back")), 1000U);
    EXPECT_EQ(test::content_of(share("link")), bytes.substr(0, 1000));

    std::size_t names = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory.path("a"))) ++names;
    EXPECT_EQ(names, 4U);
    struct statvfs status = {};
    EXPECT_EQ(::statvfs(directory.path("a").c_str(), &status), 0);
    EXPECT_GT(status.f_blocks, 0U);

    io::UniqueFd file(::open(share("back").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(file.valid());
    EXPECT_EQ(::pwrite(file.get(), "synced", 6, 0), 6);
    EXPECT_EQ(::fsync(file.get()), 0);
    EXPECT_EQ(test::content_of(data("back")).substr(0, 6), "synced");

    fs::remove(share("symlink"));
    fs::remove(share("link"));
    fs::remove_all(share("folder"));
    EXPECT_FALSE(fs::exists(data("folder")));
    EXPECT_FALSE(fs::remove(share("none")));
    EXPECT_EQ(mount->count("not_ready"), 0U);
}

TEST_F(Diod, locks_exclude_whoever_locks_at_the_server) {
    std::ofstream(data("lock")) << "x";
    io::UniqueFd here(::open(share("lock").c_str(), O_RDWR | O_CLOEXEC));
    io::UniqueFd there(::open(data("lock").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(here.get(), LOCK_EX | LOCK_NB), 0);
    EXPECT_EQ(::flock(there.get(), LOCK_EX | LOCK_NB), -1);
    Child waiter([&] {
        io::UniqueFd other(::open(share("lock").c_str(), O_RDWR | O_CLOEXEC));
        return ::flock(other.get(), LOCK_EX) == 0 ? 0 : 1;
    });
    EXPECT_FALSE(waiter.has_ended(300ms));
    EXPECT_EQ(::flock(here.get(), LOCK_UN), 0);
    ASSERT_TRUE(waiter.has_ended(10s)) << "a server that lets nobody wait is asked again";
    EXPECT_EQ(waiter.status(), 0);
    // The kernel tells a mount of a closed file when whoever closed it has gone on already.
    EXPECT_TRUE(test::eventually([&] { return ::flock(there.get(), LOCK_EX | LOCK_NB) == 0; }));
}

}  // namespace
}  // namespace understudy::files::testing
