// SPDX-License-Identifier: Apache-2.0
// The pod suite from an ordinary account. When the test itself runs as root it becomes the account `nobody`'s
// like: an unprivileged uid of its own, with folders of its own; where /dev/net/tun or /dev/fuse is closed to
// that account, doctor must say so, and then the test opens them and closes them again.
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "tests/integration/region/region_fixture.hpp"

namespace understudy::test {
namespace {

constexpr uid_t ordinary = 64'999;

// Opens a device to everyone for the test's time.
class OpenedDevice {
  public:
    explicit OpenedDevice(const char* path) : path_(path) {
        struct stat before {};
        if (::stat(path, &before) != 0) return;
        mode_ = before.st_mode & 07777;
        ::chmod(path, 0666);
    }
    ~OpenedDevice() {
        if (mode_ != 0) ::chmod(path_, mode_);
    }
    OpenedDevice(const OpenedDevice&) = delete;
    OpenedDevice& operator=(const OpenedDevice&) = delete;
    bool was_closed() const { return (mode_ & 0006) != 0006; }

  private:
    const char* path_;
    mode_t mode_ = 0;
};

class OrdinaryUser : public Region {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "already an ordinary account: the other tests show it";
        ASSERT_EQ(::chown(scratch_.path().c_str(), ordinary, ordinary), 0);
    }

    Outcome as_ordinary(std::vector<std::string> arguments,
                        std::chrono::milliseconds limit = std::chrono::minutes(10)) {
        std::vector<std::string> argv{"setpriv",
                                      "--reuid",
                                      std::to_string(ordinary),
                                      "--regid",
                                      std::to_string(ordinary),
                                      "--clear-groups",
                                      "--bounding-set",
                                      "-all",
                                      "--inh-caps",
                                      "-all",
                                      program("understudy").string()};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        RunOptions options;
        options.limit = limit;
        options.environment = {{"HOME", scratch_.path().string()},
                               {"UNDERSTUDY_STATE_DIR", (scratch_.path() / "state").string()},
                               {"UNDERSTUDY_CACHE_DIR", (scratch_.path() / "cache").string()}};
        return run(argv, options);
    }
};

TEST_F(OrdinaryUser, doctor_names_what_is_closed_and_the_pod_suite_passes_once_it_is_open) {
    const Outcome closed = as_ordinary({"doctor", "--world", "pod"});
    const Outcome refused =
        as_ordinary({"up", "topologies/corda-ha-fast.yaml", "--world", "pod", "--timeout", "20s"});
    const OpenedDevice fuse("/dev/fuse");
    const OpenedDevice tun("/dev/net/tun");
    if (fuse.was_closed()) {
        EXPECT_EQ(closed.status, 3) << closed.out;
        EXPECT_NE(closed.out.find("/dev/fuse"), std::string::npos) << closed.out;
        EXPECT_EQ(refused.status, 3) << refused.err;
        EXPECT_EQ(refused.err.rfind("understudy: /dev/fuse: ", 0), 0u) << refused.err;
        EXPECT_NE(refused.err.find("chmod"), std::string::npos) << refused.err;
    } else {
        as_ordinary({"down", "--all"});
    }
    const Outcome open = as_ordinary({"doctor", "--world", "pod"});
    if (open.status != 0) GTEST_SKIP() << "this machine gives ordinary accounts no namespaces:\n" << open.out;
    const Outcome suite = as_ordinary({"test", "topologies/corda-ha-fast.yaml", "--world", "pod"});
    std::cout << suite.out;
    EXPECT_EQ(suite.status, 0) << suite.out << suite.err;
}

// The account has no name on this machine, which PostgreSQL's initdb would like it to have.
TEST_F(OrdinaryUser, a_region_with_a_postgresql_server_comes_up_and_fails_over) {
    const std::string setting = "databases.corda-db.engine=postgresql";
    const OpenedDevice fuse("/dev/fuse");
    const Outcome doctor =
        as_ordinary({"doctor", "--world", "pod", "topologies/corda-ha-fast.yaml", "--set", setting});
    if (doctor.status != 0) GTEST_SKIP() << "this machine cannot run it:\n" << doctor.out;
    const Outcome suite = as_ordinary({"test", "topologies/corda-ha-fast.yaml", "--world", "pod", "--set",
                                       setting, "--scenario", "primary-power-loss"});
    std::cout << suite.out;
    EXPECT_EQ(suite.status, 0) << suite.out << suite.err;
}

}  // namespace
}  // namespace understudy::test
