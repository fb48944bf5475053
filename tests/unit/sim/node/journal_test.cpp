// SPDX-License-Identifier: Apache-2.0
#include "sim/node/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/node/share.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JournalFile : public testing::Test {
  protected:
    const test::ScratchDirectory scratch;
    const std::string directory = scratch.path();
    const Payment first{"p-1", "O=Party B", 10};
    const Payment second{"p-2", "O=Party B", 20};
};

TEST_F(JournalFile, tells_after_a_restart_what_is_unfinished) {
    {
        auto journal = Journal::open(directory);
        ASSERT_TRUE(journal.has_value());
        EXPECT_THAT(journal->unfinished(), IsEmpty());
        ASSERT_TRUE(journal->append({Announced{first}, Announced{second}}, true).has_value());
        ASSERT_TRUE(journal->append({Settled{"p-1"}}, false).has_value());
    }
    const auto journal = Journal::open(directory);
    ASSERT_TRUE(journal.has_value());
    EXPECT_THAT(journal->unfinished(), ElementsAre(second));
}

TEST_F(JournalFile, goes_on_after_a_torn_tail) {
    {
        auto journal = Journal::open(directory);
        ASSERT_TRUE(journal->append({Announced{first}}, true).has_value());
    }
    std::ofstream(directory + "/journal", std::ios::app | std::ios::binary)
        << encode_record(Announced{second}).substr(0, 20);
    {
        auto journal = Journal::open(directory);
        EXPECT_TRUE(journal->was_torn());
        EXPECT_THAT(journal->unfinished(), ElementsAre(first));
        ASSERT_TRUE(journal->append({Announced{second}}, true).has_value());
    }
    EXPECT_THAT(Journal::open(directory)->unfinished(), ElementsAre(first, second));
}

TEST_F(JournalFile, is_rewritten_without_what_is_settled_when_it_grows) {
    auto journal = Journal::open(directory, 4096);
    ASSERT_TRUE(journal->append({Announced{first}}, true).has_value());
    for (int i = 0; i < 500; ++i) {
        const std::string id = "q-" + std::to_string(i);
        ASSERT_TRUE(journal->append({Announced{{id, "O=Party B", 1}}, Settled{id}}, false).has_value());
    }
    EXPECT_LT(std::filesystem::file_size(directory + "/journal"), 8192u);
    EXPECT_THAT(journal->unfinished(), ElementsAre(first));
    EXPECT_THAT(Journal::open(directory)->unfinished(), ElementsAre(first));
}

TEST_F(JournalFile, the_lock_is_verified_until_someone_else_has_held_it) {
    auto lock = JournalLock::open(directory + "/artemis");
    ASSERT_TRUE(lock.has_value());
    ASSERT_TRUE(lock->probe().has_value());
    ASSERT_TRUE(*lock->try_lock());
    EXPECT_TRUE(lock->verify().has_value());
    // What an owner in between leaves behind: its own id.
    std::fstream file(directory + "/artemis/server.lock", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3).write("another owner---", 16).flush();
    EXPECT_TRUE(lock->verify().has_error());
}

}  // namespace
}  // namespace understudy::node
