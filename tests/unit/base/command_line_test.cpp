// SPDX-License-Identifier: Apache-2.0
#include "base/command_line/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace understudy::command_line {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

class CommandLineTest : public testing::Test {
  protected:
    CommandLineTest() {
        line_.option("--rounds", rounds_, "how often").between(1, 100);
        line_.option("--only", only_, "which").separated_by(',').one_of({"a", "b"});
        line_.option("--bytes", bytes_, "how many").as_size();
        up_.option("TOPOLOGY", topology_, "the file").required();
        up_.flag("--follow,-f", follow_, "go on");
        up_.when_chosen([this] { ++calls_; });
    }

    std::optional<int> parse(std::vector<const char*> words) {
        words.insert(words.begin(), "program");
        return line_.parse(static_cast<int>(words.size()), words.data());
    }
    // What it writes on stderr where it ends with the status of bad input.
    std::string refusal_of(std::vector<const char*> words) {
        CaptureStderr();
        const auto status = parse(std::move(words));
        const std::string text = GetCapturedStderr();
        EXPECT_EQ(status, 2);
        EXPECT_EQ(calls_, 0);
        return text;
    }

    int rounds_ = 5, calls_ = 0;
    std::vector<std::string> only_;
    std::uint64_t bytes_ = 7;
    std::string topology_ = "none";
    bool follow_ = false;
    CommandLine line_{"program", "does things"};
    Command up_ = line_.subcommand("up", "brings up");
};

TEST_F(CommandLineTest, what_is_given_is_filled_in_and_the_rest_keeps_its_value) {
    EXPECT_EQ(parse({"--only", "b,a", "--bytes", "8KiB", "up", "-f", "file"}), std::nullopt);
    EXPECT_EQ(rounds_, 5);
    EXPECT_THAT(only_, ElementsAre("b", "a"));
    EXPECT_EQ(bytes_, 8192u);
    EXPECT_EQ(topology_, "file");
    EXPECT_TRUE(follow_);
    EXPECT_EQ(calls_, 1);
    EXPECT_TRUE(up_.chosen());
    EXPECT_EQ(line_.chosen_subcommand(), "up");
}

TEST_F(CommandLineTest, help_ends_the_program_well_with_the_text_on_stdout) {
    CaptureStdout();
    EXPECT_EQ(parse({"up", "--help"}), 0);
    EXPECT_THAT(GetCapturedStdout(), HasSubstr("TOPOLOGY"));
    EXPECT_EQ(calls_, 0);
}

TEST_F(CommandLineTest, a_mistake_is_one_line_with_the_program_and_where_its_help_is) {
    EXPECT_EQ(refusal_of({"--nothing"}),
              "program: The following argument was not expected: --nothing; see program --help\n");
}

TEST_F(CommandLineTest, a_subcommand_s_mistake_leads_to_the_help_of_the_subcommand) {
    EXPECT_EQ(refusal_of({"up"}), "program: TOPOLOGY is required; see program up --help\n");
}

TEST_F(CommandLineTest, a_value_out_of_its_bounds_is_refused_by_name) {
    EXPECT_THAT(refusal_of({"--rounds", "101"}), HasSubstr("--rounds: Value 101 not in range"));
}

TEST_F(CommandLineTest, a_word_that_is_no_number_is_refused_by_name) {
    EXPECT_THAT(refusal_of({"--rounds", "many"}), HasSubstr("--rounds"));
}

TEST_F(CommandLineTest, a_word_that_is_none_of_those_to_choose_from_is_refused_with_them) {
    EXPECT_THAT(refusal_of({"--only", "a,c"}), testing::AllOf(HasSubstr("c not in"), HasSubstr("a,b")));
}

}  // namespace
}  // namespace understudy::command_line
