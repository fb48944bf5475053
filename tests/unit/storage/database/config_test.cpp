// SPDX-License-Identifier: Apache-2.0
#include "storage/database/config.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/scratch_directory.hpp"

namespace understudy::database {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
  protected:
    void SetUp() override { scratch_.write("password", "secret\n"); }

    Result<Config> read(const std::string& more) const {
        const std::string file = (directory_ / "config.yaml").string();
        std::ofstream(file) << "listen: 127.0.0.1:5432\nfile: /tmp/vault.sqlite\nusers: {a: {password_file: "
                            << (directory_ / "password").string() << "}}\n"
                            << more;
        return read_config(file);
    }

    const test::ScratchDirectory scratch_;
    const std::filesystem::path directory_ = scratch_.path();
};

TEST_F(ConfigTest, defaults_are_those_of_the_documentation) {
    const auto config = read("");
    ASSERT_TRUE(config.has_value()) << config.error().message();
    EXPECT_EQ(config->passwords.at("a"), "secret");
    EXPECT_EQ(config->scram_iterations, 4096);
    EXPECT_EQ(config->max_connections, 100);
}

TEST_F(ConfigTest, iterations_are_a_positive_number) {
    EXPECT_EQ(read("scram_iterations: 16\n")->scram_iterations, 16);
    const auto none = read("scram_iterations: 0\n");
    ASSERT_TRUE(none.has_error());
    EXPECT_EQ(none.error().kind, ErrorKind::bad_input);
    EXPECT_THAT(none.error().message(), HasSubstr("config.yaml:4:19"));
}

TEST_F(ConfigTest, what_runs_the_service_is_off_unless_it_is_said) {
    const auto config = read("");
    EXPECT_EQ(config->admin_socket, "");
    EXPECT_FALSE(config->power_loss);
    EXPECT_EQ(config->slow_statement, Duration::zero());
    const auto said = read("admin_socket: /run/db\npower_loss: true\nslow_statement_ms: 200\n");
    EXPECT_EQ(said->admin_socket, "/run/db");
    EXPECT_TRUE(said->power_loss);
    EXPECT_EQ(said->slow_statement, 200ms);
    EXPECT_THAT(read("slow_statement_ms: 0\n").error().message(), HasSubstr("config.yaml:4:20"));
}

TEST_F(ConfigTest, a_certificate_needs_its_key_and_both_have_to_be_read) {
    const auto alone = read("tls_certificate: /nowhere/cert.pem\n");
    ASSERT_TRUE(alone.has_error());
    EXPECT_THAT(alone.error().message(), HasSubstr("needs tls_key too"));
    const auto missing = read("tls_certificate: /nowhere/cert.pem\ntls_key: /nowhere/key.pem\n");
    ASSERT_TRUE(missing.has_error());
    EXPECT_THAT(missing.error().message(), HasSubstr("config.yaml:4:18"));
    EXPECT_THAT(missing.error().message(), HasSubstr("/nowhere/cert.pem cannot be read as a certificate"));
}

TEST_F(ConfigTest, an_unknown_key_is_refused_with_its_place) {
    const auto config = read("scram_iteration: 16\n");
    ASSERT_TRUE(config.has_error());
    EXPECT_THAT(config.error().message(), HasSubstr("config.yaml:4:1"));
    EXPECT_THAT(config.error().message(), HasSubstr("scram_iterations"));
}

}  // namespace
}  // namespace understudy::database
