// SPDX-License-Identifier: Apache-2.0
// TLS as drivers ask for it (PostgreSQL manual chapters 34.19 and 55.2.10): libpq with channel binding, JDBC,
// asyncpg; and a server without a certificate.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <thread>

#include "tests/conformance/database/servers.hpp"
#include "tests/support/certificate.hpp"

namespace understudy::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

class Tls : public testing::Test {
  protected:
    Client connect(const std::string& options) const {
        return Client(PQconnectdb(fmt::format("host=127.0.0.1 port={} user=tester password=secret "
                                              "dbname=trial connect_timeout=10 {}",
                                              server_.port(), options)
                                      .c_str()));
    }
    std::string output(std::vector<std::string> command) const {
        command.push_back(std::to_string(server_.port()));
        command.push_back(files_.certificate.string());
        const auto outcome = run(command);
        EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
        return outcome.out;
    }

    ScratchDirectory folder_;
    CertificateFiles files_ = write_certificate(folder_.path());
    OurServer server_{
        fmt::format("tls_certificate: {}\ntls_key: {}\n", files_.certificate.string(), files_.key.string())};
};

// Sends bytes as they are and gives all that comes up to the end.
std::string exchange(int port, const std::string& bytes) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
        answer.append(buffer, static_cast<std::size_t>(size));
    ::close(fd);
    return answer;
}

TEST_F(Tls, libpq_checks_the_certificate_and_binds_the_password_to_it) {
    const auto client =
        connect("sslmode=verify-full channel_binding=require sslrootcert=" + files_.certificate.string());
    ASSERT_EQ(PQstatus(client.get()), CONNECTION_OK) << PQerrorMessage(client.get());
    EXPECT_EQ(PQsslInUse(client.get()), 1);
    EXPECT_EQ(server_.value(client, "select 6 * 7"), "42");
}

TEST_F(Tls, libpq_without_channel_binding_and_without_encryption_is_let_in_too) {
    for (const char* options :
         {"sslmode=require channel_binding=disable", "sslmode=disable", "sslmode=prefer"}) {
        const auto client = connect(options);
        EXPECT_EQ(server_.value(client, "select 6 * 7"), "42") << options << PQerrorMessage(client.get());
    }
}

TEST_F(Tls, another_certificate_and_a_wrong_password_are_found_out) {
    const auto other = write_certificate(folder_.path(), "other");
    const auto client = connect("sslmode=verify-ca sslrootcert=" + other.certificate.string());
    EXPECT_THAT(PQerrorMessage(client.get()), HasSubstr("certificate verify failed"));
    const auto guesser = connect("sslmode=require password=guess");
    EXPECT_THAT(PQerrorMessage(guesser.get()), HasSubstr("password authentication failed"));
}

TEST_F(Tls, answers_and_statements_longer_than_a_record_come_whole) {
    const auto client = connect("sslmode=require");
    EXPECT_EQ(server_.value(client,
                            "select sum(length(s)) from (select repeat('x', 1000) as s from "
                            "generate_series(1, 5000)) as t"),
              "5000000");
    const auto rows =
        server_.run(client, "select repeat('y', 1000) || n from generate_series(1, 5000) as s(n)");
    ASSERT_EQ(PQntuples(rows.get()), 5000);
    EXPECT_EQ(std::string(PQgetvalue(rows.get(), 4999, 0)), std::string(1000, 'y') + "5000");
    EXPECT_EQ(server_.value(client, "select length('" + std::string(3'000'000, 'z') + "')"), "3000000");
}

TEST_F(Tls, a_statement_can_be_canceled_and_the_end_of_the_service_is_said) {
    const auto client = connect("sslmode=require");
    EXPECT_EQ(canceled(client, "select pg_sleep(30)"), "57014");
    std::string said;
    PQsetNoticeProcessor(
        client.get(), [](void* all, const char* text) { *static_cast<std::string*>(all) += text; }, &said);
    server_.end();
    while (PQconsumeInput(client.get()) == 1) PQisBusy(client.get());
    EXPECT_THAT(said, HasSubstr("terminating connection due to administrator command"));
}

TEST_F(Tls, a_session_that_waits_for_its_client_is_woken_by_notifications) {
    const auto client = connect("sslmode=require");
    server_.run(client, "listen a");
    const auto other = server_.connect();
    for (const char* payload : {"first", "second"}) {
        server_.run(other, std::string("notify a, '") + payload + "'");
        PGnotify* notification = nullptr;
        for (pollfd ready{PQsocket(client.get()), POLLIN, 0};
             notification == nullptr && ::poll(&ready, 1, 10'000) == 1 && PQconsumeInput(client.get()) == 1;)
            notification = PQnotifies(client.get());
        ASSERT_NE(notification, nullptr);
        EXPECT_STREQ(notification->extra, payload);
        PQfreemem(notification);
    }
}

TEST_F(Tls, plain_bytes_behind_the_request_are_refused) {
    const std::string request = "\0\0\0\x08\x04\xd2\x16\x2f"s, startup = "\0\0\0\x10\0\3\0\0user\0a\0\0"s;
    EXPECT_THAT(exchange(server_.port(), request + startup), HasSubstr("received unencrypted data"));
    EXPECT_EQ(exchange(server_.port(), request + startup)[0], 'E') << "an error, before TLS is agreed to";
}

TEST_F(Tls, the_jdbc_driver_asks_for_it) {
    const char* driver = "/usr/share/java/postgresql.jar";
    if (!std::filesystem::exists(driver) || run({"javac", "-version"}).status != 0)
        GTEST_SKIP()
            << "no Java compiler or driver here (Debian: default-jdk-headless, libpostgresql-jdbc-java)";
    EXPECT_EQ(output({"java", "-cp", driver,
                      (source_directory() / "tests/conformance/database/clients/JdbcTls.java").string()}),
              "require 42\nverify-ca 42\n");
}

TEST_F(Tls, asyncpg_asks_for_it) {
    if (run({"/usr/bin/python3", "-c", "import asyncpg"}).status != 0)
        GTEST_SKIP() << "no asyncpg here (Debian: python3-asyncpg)";
    EXPECT_EQ(output({"/usr/bin/python3",
                      (source_directory() / "tests/conformance/database/clients/asyncpg_tls.py").string()}),
              "require 42\nverify-full 42\n");
}

TEST(WithoutTls, who_insists_on_it_is_told_so_and_who_prefers_it_goes_on) {
    OurServer server;
    const auto connect = [&](const char* mode) {
        return Client(PQconnectdb(fmt::format("host=127.0.0.1 port={} user=tester password=secret "
                                              "dbname=trial connect_timeout=10 sslmode={}",
                                              server.port(), mode)
                                      .c_str()));
    };
    EXPECT_THAT(PQerrorMessage(connect("require").get()), HasSubstr("server does not support SSL"));
    EXPECT_EQ(server.value(connect("prefer"), "select 6 * 7"), "42");
}

}  // namespace
}  // namespace understudy::test
