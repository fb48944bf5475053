// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/config.hpp"

#include <gtest/gtest.h>

#include "tests/support/scratch_directory.hpp"

namespace understudy::postgresql {
namespace {

constexpr const char* whole =
    "listen: 203.0.113.30:5432\n"
    "data: /data\n"
    "template: /template\n"
    "settings: /etc/postgresql.conf\n"
    "sockets: /run/postgresql\n"
    "superuser: Understudy\n"
    "database: vault\n";

TEST(PostgresqlConfig, takes_what_it_names_and_passwords_from_their_files) {
    test::ScratchDirectory folder;
    const auto password = folder.write("password", "secret\n");
    const auto config = read_config(
        folder.write("c.yaml", whole + ("users: {party_a: {password_file: " + password.string()) + "}}\n"));
    ASSERT_TRUE(config.has_value()) << config.error().message();
    EXPECT_EQ(to_string(config->listen), "203.0.113.30:5432");
    EXPECT_EQ(config->template_directory, "/template");
    EXPECT_EQ(config->passwords, (std::map<std::string, std::string>{{"party_a", "secret"}}));
    EXPECT_EQ(config->scram_iterations, 4096);
}

TEST(PostgresqlConfig, each_mistake_is_a_line_with_its_place) {
    test::ScratchDirectory folder;
    const auto file = folder.write(
        "c.yaml", std::string(whole) + "users: {a: {password_file: /no/such/file}}\nscram_iteration: 1\n");
    const auto config = read_config(file);
    ASSERT_TRUE(config.has_error());
    EXPECT_EQ(config.error().kind, ErrorKind::bad_input);
    const std::string message = config.error().message();
    EXPECT_NE(message.find(file.string() + ":8:28: users.a.password_file: cannot read a password"),
              std::string::npos)
        << message;
    EXPECT_NE(message.find("did you mean 'scram_iterations'?"), std::string::npos) << message;
}

}  // namespace
}  // namespace understudy::postgresql
