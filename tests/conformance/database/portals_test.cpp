// SPDX-License-Identifier: Apache-2.0
// Portals that are left suspended, which libpq has no call for: its messages are written by hand on a
// connection that it has logged in.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/conformance/database/shared_server.hpp"

namespace understudy::test {
namespace {

using namespace std::string_literals;

std::string be(std::uint32_t value, int bytes) {
    std::string out;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
    return out;
}
std::string message(char type, const std::string& body) {
    return type + be(static_cast<std::uint32_t>(body.size() + 4), 4) + body;
}
std::string parse(const std::string& sql) {
    return message('P', "\0"s + sql + "\0\0\0"s);
}
std::string bind(const std::string& portal) {
    return message('B', portal + "\0\0\0\0\0\0\0\0"s);
}
std::string execute(const std::string& portal, std::uint32_t rows) {
    return message('E', portal + "\0"s + be(rows, 4));
}
std::string open(const std::string& portal, const std::string& sql) {
    return parse(sql) + bind(portal);
}
const std::string flush = message('H', ""), sync = message('S', "");
std::string query(const std::string& sql) {
    return message('Q', sql + "\0"s);
}

class Portals : public SharedServer {
  protected:
    void SetUp() override {
        SharedServer::SetUp();
        if (IsSkipped()) return;
        client_ = server().connect();
        other_ = server().connect();
        run("drop table if exists t, later");
        run("create table t (id int primary key, n int)");
        run("insert into t select x, x * 10 from generate_series(1, 5) as s(x)");
    }
    void run(const std::string& sql) { server().run(other_, sql); }
    void send(const std::string& bytes) {
        ASSERT_EQ(::send(PQsocket(client_.get()), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    std::string receive(std::size_t size) {
        std::string bytes(size, '\0');
        for (std::size_t have = 0; have < size;) {
            pollfd ready{PQsocket(client_.get()), POLLIN, 0};
            if (::poll(&ready, 1, 10'000) != 1) throw std::runtime_error("no answer within 10 s");
            const auto got = ::recv(ready.fd, bytes.data() + have, size - have, 0);
            if (got <= 0) throw std::runtime_error("the connection has ended");
            have += static_cast<std::size_t>(got);
        }
        return bytes;
    }
    // Up to a message of this type: rows' first columns, 's' where a portal is suspended, tags, SQLSTATEs and
    // the status of the transaction.
    std::string answer(char last) {
        std::string text;
        for (char type = '\0'; type != last;) {
            const std::string head = receive(5);
            type = head[0];
            std::size_t size = 0;
            for (int i = 1; i < 5; ++i) size = size << 8 | static_cast<unsigned char>(head[i]);
            const std::string body = receive(size - 4);
            if (type == 'D') text += body.substr(6) + " ";
            if (type == 's') text += "suspended ";
            if (type == 'C') text += body.substr(0, body.size() - 1) + " ";
            if (type == 'E') text += body.substr(body.find("\0C"s) + 2, 5) + " ";
            if (type == 'Z') text += body;
        }
        return text;
    }

    Client client_, other_;
};

TEST_P(Portals, opened_before_a_savepoint_go_on_behind_it_and_later_ones_end) {
    send(query("begin") + open("early", "select id from t order by id") + execute("early", 1) +
         open("", "savepoint s") + execute("", 0) + open("late", "select id from t order by id desc") +
         execute("late", 1) + sync);
    EXPECT_EQ(answer('Z'), "BEGIN T");
    EXPECT_EQ(answer('Z'), "1 suspended SAVEPOINT 5 suspended T");
    send(query("delete from t where id = 3") + execute("early", 1) + execute("late", 1) + sync +
         query("rollback to s") + execute("early", 1) + sync);
    EXPECT_EQ(answer('Z'), "DELETE 1 T");
    EXPECT_EQ(answer('Z'), "2 suspended 4 suspended T");
    EXPECT_EQ(answer('Z'), "ROLLBACK T");
    EXPECT_EQ(answer('Z'), "3 suspended T");
    send(execute("late", 1) + sync + query("rollback to s") + execute("early", 0) + sync);
    EXPECT_EQ(answer('Z'), "34000 E");
    EXPECT_EQ(answer('Z'), "ROLLBACK T");
    EXPECT_EQ(answer('Z'), "4 5 SELECT 2 T");
}

TEST_P(Portals, that_failed_stay_so_after_the_savepoint) {
    send(query("begin") + open("p", "select 12 / (3 - id) from t order by id") + execute("p", 1) + sync +
         query("savepoint s") + execute("p", 2) + sync + query("rollback to s") + execute("p", 1) + sync);
    EXPECT_EQ(answer('Z'), "BEGIN T");
    EXPECT_EQ(answer('Z'), "6 suspended T");
    EXPECT_EQ(answer('Z'), "SAVEPOINT T");
    EXPECT_EQ(answer('Z'), "12 22012 E");
    EXPECT_EQ(answer('Z'), "ROLLBACK T");
    EXPECT_EQ(answer('Z'), "55000 E");
}

TEST_P(Portals, whose_rest_cannot_be_computed_fail_where_it_is_read) {
    send(query("begin") + open("p", "select 12 / (3 - id) from t order by id") + execute("p", 1) + sync +
         query("update t set n = 0") + execute("p", 1) + execute("p", 1) + sync);
    EXPECT_EQ(answer('Z'), "BEGIN T");
    EXPECT_EQ(answer('Z'), "6 suspended T");
    EXPECT_EQ(answer('Z'), "UPDATE 5 T");
    EXPECT_EQ(answer('Z'), "12 suspended 22012 E");
}

TEST_P(Portals, left_suspended_keep_no_later_statement_on_what_they_saw) {
    // Each query is sent when the other session has committed.
    const std::string sum = "select sum(n) from t";
    send(open("p", "select id from t order by id") + execute("p", 1) + flush);
    EXPECT_EQ(answer('s'), "1 suspended ");
    run("update t set n = n + 1; create table later as select 1 as one");
    send(open("", "select one from later") + execute("", 0) + flush);
    EXPECT_EQ(answer('C'), "1 SELECT 1 ") << "before Sync";
    send(open("", sum) + execute("", 0) + flush);
    EXPECT_EQ(answer('C'), "155 SELECT 1 ") << "before Sync";
    run("update t set n = n + 1; delete from t where id = 3");
    send(execute("p", 3) + flush);
    EXPECT_EQ(answer('s'), "2 3 4 suspended ") << "it still shows what was there when it began";
    send(sync + query(sum));
    EXPECT_EQ(answer('Z'), "I");
    EXPECT_EQ(answer('Z'), "128 SELECT 1 I");
    send(execute("p", 1) + sync);
    EXPECT_EQ(answer('Z'), "34000 I") << "it ended with Sync";
}

TEST_P(Portals, outside_of_a_block_end_with_a_simple_query) {
    for (const char* ending : {"select 7", ""}) {
        send(open("p", "select id from t order by id") + execute("p", 1) + flush);
        EXPECT_EQ(answer('s'), "1 suspended ");
        send(query(ending) + execute("p", 1) + sync);
        EXPECT_EQ(answer('Z'), *ending == '\0' ? "I" : "7 SELECT 1 I");
        EXPECT_EQ(answer('Z'), "34000 I");
    }
}

TEST_P(Portals, of_a_read_committed_block_keep_no_later_statement_on_what_they_saw) {
    for (const char* begin : {"begin", "begin isolation level repeatable read"}) {
        send(query(begin) + open("p", "select id, n from t order by id") + execute("p", 1) + sync);
        EXPECT_EQ(answer('Z'), "BEGIN T");
        EXPECT_EQ(answer('Z').substr(0, 1), "1");
        if (std::string_view(begin) == "begin")
            run("update t set n = n + 1");
        else
            run("update t set n = 0");
        send(query("select sum(n) from t") + execute("p", 1) + sync + query("rollback"));
        EXPECT_EQ(answer('Z'), "155 SELECT 1 T") << begin << ": not what came later";
        EXPECT_EQ(answer('Z').substr(0, 1), "2");
        EXPECT_EQ(answer('Z'), "ROLLBACK I");
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, Portals, testing::Values("understudy", "postgresql"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace understudy::test
