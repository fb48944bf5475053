// SPDX-License-Identifier: Apache-2.0
// Extended attributes and the quota, at the server's own door.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <cerrno>

#include "peer.hpp"

namespace understudy::files::testing {
namespace {

constexpr std::uint32_t file = 1, scratch = 2;

class AttributesAndQuota : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(server.started());
        ASSERT_TRUE(std::holds_alternative<Rattach>(peer.attach("a#1", "share")));
        ASSERT_EQ(peer.error_of<Rwalk>(Twalk{0, file, {}}), 0);
        ASSERT_EQ(peer.error_of<Rlcreate>(Tlcreate{file, "f", O_RDWR, 0644, 0}), 0);
    }
    int set(const std::string& name, const std::string& value, std::uint32_t flags = 0,
            std::optional<std::uint64_t> announced = {}) {
        EXPECT_EQ(peer.error_of<Rwalk>(Twalk{0, scratch, {"f"}}), 0);
        const int refused =
            peer.error_of<Rxattrcreate>(Txattrcreate{scratch, name, announced.value_or(value.size()), flags});
        int written = 0;
        if (refused == 0 && !value.empty()) written = peer.error_of<Rwrite>(Twrite{scratch, 0, {value}});
        const int committed = peer.error_of<Rclunk>(Tclunk{scratch});
        return refused != 0 ? refused : written != 0 ? written : committed;
    }
    // The value, or the errno in brackets.
    std::string get(const std::string& name) {
        const auto found = peer.get<Rxattrwalk>(Txattrwalk{file, scratch, name});
        if (const int* error = std::get_if<int>(&found)) return "[" + std::to_string(*error) + "]";
        const auto read = peer.get<Rread>(Tread{scratch, 0, 65536});
        EXPECT_EQ(peer.error_of<Rclunk>(Tclunk{scratch}), 0);
        const std::string value = std::get<Rread>(read).data.value;
        EXPECT_EQ(value.size(), std::get<Rxattrwalk>(found).size);
        return value;
    }
    static std::string error(int number) { return "[" + std::to_string(number) + "]"; }

    Server server{"{share: {path: $/data, quota: 10000}}"};
    Peer peer{server.port()};
};

TEST_F(AttributesAndQuota, a_value_is_stored_listed_replaced_and_removed) {
    EXPECT_EQ(get("user.colour"), error(ENODATA));
    ASSERT_EQ(set("user.colour", "blue"), 0);
    EXPECT_EQ(get("user.colour"), "blue");
    char stored[16] = {};
    EXPECT_EQ(::getxattr(server.directory().path("data/f").c_str(), "user.colour", stored, sizeof stored), 4);
    ASSERT_EQ(set("user.empty", ""), 0);
    EXPECT_EQ(get("user.empty"), "");
    std::string list = get("");
    EXPECT_EQ(list.size(), sizeof("user.colour") + sizeof("user.empty"));
    EXPECT_NE(list.find(std::string("user.colour", sizeof("user.colour"))), std::string::npos);
    EXPECT_EQ(set("user.colour", "red", XATTR_CREATE), EEXIST);
    EXPECT_EQ(set("user.colour", "red", XATTR_REPLACE), 0);
    EXPECT_EQ(get("user.colour"), "red");
    EXPECT_EQ(set("user.none", "x", XATTR_REPLACE), ENODATA);
    EXPECT_EQ(set("user.colour", "", XATTR_REPLACE), 0) << "a size of 0 with XATTR_REPLACE removes";
    EXPECT_EQ(get("user.colour"), error(ENODATA));
}

TEST_F(AttributesAndQuota, other_spaces_the_servers_own_names_and_wrong_sizes_are_refused) {
    EXPECT_EQ(set("security.x", "1"), EOPNOTSUPP);
    EXPECT_EQ(get("trusted.x"), error(EOPNOTSUPP));
    EXPECT_EQ(set("user.understudy.client_lease_ms", "1"), EPERM);
    EXPECT_EQ(get("user.understudy.client_lease_ms"), "30000");
    EXPECT_EQ(set("user.big", "", 0, 65537), E2BIG);
    EXPECT_EQ(set("user.x", "abc", 0, 2), ENOSPC);
    EXPECT_EQ(set("user.x", "abc", 0, 4), EINVAL) << "less came than was announced";
    EXPECT_EQ(set("", "x"), ERANGE);
    EXPECT_EQ(get("user.x"), error(ENODATA));
}

TEST_F(AttributesAndQuota, a_write_that_crosses_the_quota_takes_what_fits_and_the_next_is_refused) {
    const auto first = peer.get<Rwrite>(Twrite{file, 0, {std::string(9000, 'x')}});
    EXPECT_EQ(std::get<Rwrite>(first).count, 9000U);
    const auto crossing = peer.get<Rwrite>(Twrite{file, 9000, {std::string(2000, 'y')}});
    EXPECT_EQ(std::get<Rwrite>(crossing).count, 1000U);
    EXPECT_EQ(peer.error_of<Rwrite>(Twrite{file, 10000, {"z"}}), ENOSPC);
    EXPECT_EQ(peer.error_of<Rwrite>(Twrite{file, 20000, {"z"}}), ENOSPC);
    EXPECT_EQ(peer.error_of<Rwrite>(Twrite{file, 0, {"z"}}), 0) << "what is there may be written over";
    const auto status = peer.get<Rgetattr>(Tgetattr{file, getattr_basic});
    EXPECT_EQ(std::get<Rgetattr>(status).size, 10000U);
}

}  // namespace
}  // namespace understudy::files::testing
