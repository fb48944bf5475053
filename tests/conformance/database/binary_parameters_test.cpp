// SPDX-License-Identifier: Apache-2.0
// Parameters in binary form that are whole, and that aren't: the same values or SQLSTATEs as PostgreSQL.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/conformance/database/servers.hpp"

namespace understudy::test {
namespace {

std::string int32s(std::initializer_list<std::int64_t> values) {
    std::string bytes;
    for (const auto value : values)
        for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
    return bytes;
}

std::string outcome(const Client& client, const std::string& type, const std::string& bytes) {
    const char* values[] = {bytes.data()};
    const int lengths[] = {static_cast<int>(bytes.size())};
    const int formats[] = {1};
    const Answer answer(PQexecParams(client.get(), fmt::format("select $1::{}", type).c_str(), 1, nullptr,
                                     values, lengths, formats, 0));
    const std::string state = state_of(answer);
    return state.empty() ? PQgetvalue(answer.get(), 0, 0) : state;
}

TEST(BinaryParameters, are_taken_and_refused_as_by_postgresql) {
    if (!PostgresServer::installed()) GTEST_SKIP() << "no PostgreSQL server here (Debian: postgresql-15)";
    const std::pair<const char*, std::string> cases[] = {
        {"int[]", int32s({1, 0, 23, 2, 1, 4, 7, 4, 8})},
        {"int[]", int32s({1, 1, 23, 2, 1, 4, 7, -1})},
        {"text[]", int32s({1, 0, 25, 1, 1, 4}) + "four"},
        {"text[]", int32s({0, 0, 25})},
        {"text[]", int32s({1, 0, 25, 0, 1})},
        {"text[]", int32s({1, 0, 25, 1, 1, 5}) + "four"},
        {"text[]", int32s({1, 0, 25, 1, 1, 0x7fff'ffff}) + "four"},
        {"text[]", int32s({1, 0, 25, 1, 1, -2}) + "four"},
        {"text[]", int32s({1, 0, 25, 1, 1, 3}) + "four"},
        {"text[]", int32s({1, 0, 25, 2, 1, 4}) + "four"},
        {"text[]", int32s({1, 0, 25, 2, 1, 8}) + "four" + int32s({4})},
        {"text[]", "short"},
        {"text[]", int32s({1, 0, 25, 1})},
        {"text[]", int32s({-1, 0, 25})},
        {"text[]", int32s({7, 0, 25})},
        {"text[]", int32s({1, 2, 25, 0, 1})},
        {"text[]", int32s({1, 0, 23, 1, 1, 4, 7})},
        {"int[]", int32s({1, 0, 23, -1, 1})},
        {"int[]", int32s({1, 0, 23, 1'000'000'000, 1})},
        {"int[]", int32s({1, 0, 23, 100'000, 1})},
        {"int[]", int32s({1, 0, 23, 1, 1, 3, 7})},
        {"int[]", int32s({1, 0, 23, 1, 1, 8, 7, 7})},
        {"int", int32s({7})},
        {"int", "abc"},
        {"int", int32s({7, 7})},
        {"bigint", int32s({7})},
        {"uuid", "0123456789abcde"}};
    OurServer ours;
    PostgresServer theirs;
    const auto our_client = ours.connect(), their_client = theirs.connect();
    for (std::size_t i = 0; i < std::size(cases); ++i)
        EXPECT_EQ(outcome(our_client, cases[i].first, cases[i].second),
                  outcome(their_client, cases[i].first, cases[i].second))
            << "case " << i;
}

}  // namespace
}  // namespace understudy::test
