// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/installation.hpp"

#include <gtest/gtest.h>

#include "sim/postgresql/server_user.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::postgresql {
namespace {

void put_program(const test::ScratchDirectory& root, const std::string& name) {
    std::filesystem::permissions(root.write(name, ""), std::filesystem::perms::owner_all);
}

TEST(Installation, the_newest_version_with_both_programs_is_taken) {
    test::ScratchDirectory root;
    EXPECT_FALSE(newest_installation(root.path()));
    EXPECT_FALSE(newest_installation(root.path() / "nowhere"));
    for (const char* version : {"9", "15", "16", "wal"})
        for (const char* program : {"initdb", "postgres"})
            put_program(root, std::string(version) + "/bin/" + program);
    put_program(root, "17/bin/initdb");  // the server is missing
    put_program(root, "18/bin/initdb");
    root.write("18/bin/postgres", "");  // is no program
    const auto found = newest_installation(root.path());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->version, 16);
    EXPECT_EQ(found->programs, root.path() / "16" / "bin");
}

TEST(Installation, a_version_whose_initdb_lacks_options_is_none) {
    test::ScratchDirectory root;
    for (const char* program : {"14/bin/initdb", "14/bin/postgres"}) put_program(root, program);
    EXPECT_FALSE(newest_installation(root.path()));
}

TEST(Installation, data_is_opened_by_the_version_that_made_it) {
    test::ScratchDirectory root;
    for (const char* program : {"15/bin/postgres", "16/bin/postgres"}) put_program(root, program);
    root.write("data/PG_VERSION", "15\n");
    root.write("future/PG_VERSION", "99\n");
    const auto found = installation_for(root.path() / "data", root.path());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->programs, root.path() / "15" / "bin");
    EXPECT_FALSE(installation_for(root.path() / "future", root.path()));
    EXPECT_FALSE(installation_for(root.path() / "nowhere", root.path()));
}

TEST(ServerUser, is_never_root) {
    EXPECT_NE(server_user().user, 0u);
    EXPECT_NE(server_user().group, 0u);
    const auto command = as_server_user(server_user(), {"postgres", "-D", "data"});
    EXPECT_EQ(std::vector<std::string>(command.end() - 4, command.end()),
              (std::vector<std::string>{"--", "postgres", "-D", "data"}));
}

}  // namespace
}  // namespace understudy::postgresql
