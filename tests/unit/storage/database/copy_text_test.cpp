// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/copy_text.hpp"

#include <gtest/gtest.h>

#include <random>

namespace understudy::database {
namespace {

CopyFormat csv() {
    return {true, ',', "", '"', '"'};
}

// All rows of the bytes, handed over in pieces of this size.
SqlResult<std::vector<CopyRow>> read(const CopyFormat& format, const std::string& bytes, std::size_t piece) {
    CopyReader reader(format);
    std::vector<CopyRow> rows;
    for (std::size_t at = 0; at <= bytes.size(); at += piece) {
        auto taken = at < bytes.size() ? reader.append(bytes.substr(at, piece)) : reader.finish();
        if (taken.has_error()) return taken.error();
        while (true) {
            auto row = reader.next();
            if (row.has_error()) return row.error();
            if (!*row) break;
            rows.push_back(std::move(**row));
        }
        if (at < bytes.size() && at + piece > bytes.size()) at = bytes.size() - piece;
    }
    return rows;
}

TEST(CopyText, a_line_is_read_alike_however_it_is_split) {
    const std::string bytes = "1\ttab\\there\\nline\t\\N\n\\\\N\t\\x41\\101\tend\r\n";
    const std::vector<CopyRow> expected = {{"1", "tab\there\nline", std::nullopt}, {"\\N", "AA", "end"}};
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 100u}) {
        const auto rows = read({}, bytes, piece);
        ASSERT_TRUE(rows.has_value());
        EXPECT_EQ(*rows, expected) << piece;
    }
}

TEST(CopyText, quotes_of_csv_hold_delimiters_and_ends_of_lines) {
    const std::string bytes = "1,\"a \"\"b\"\",\nc\",\n\"\",x\n";
    const std::vector<CopyRow> expected = {{"1", "a \"b\",\nc", std::nullopt}, {"", "x"}};
    for (const std::size_t piece : {1u, 5u, 100u}) {
        const auto rows = read(csv(), bytes, piece);
        ASSERT_TRUE(rows.has_value());
        EXPECT_EQ(*rows, expected) << piece;
    }
    EXPECT_TRUE(read(csv(), "1,\"open\n", 100).has_error());
}

TEST(CopyText, the_end_mark_ends_it_and_a_last_line_needs_no_end) {
    EXPECT_EQ(read({}, "a\n\\.\nb\n", 100)->size(), 1u);
    EXPECT_EQ(read({}, "a\nb", 100)->size(), 2u);
}

TEST(CopyText, any_row_reads_back_in_both_formats) {
    std::mt19937 random(7);
    const std::string alphabet = "ab\\N\t\n\r,\"'.\b \x01";
    for (int round = 0; round < 3'000; ++round) {
        CopyRow row(1 + random() % 4);
        for (auto& field : row) {
            if (random() % 5 == 0) continue;
            field.emplace();
            for (std::size_t i = random() % 6; i > 0; --i) *field += alphabet[random() % alphabet.size()];
        }
        for (const CopyFormat& format : {CopyFormat{}, csv()}) {
            // A CSV line of one empty value would be an empty line, as PostgreSQL's is.
            const std::string line = copy_line(format, row);
            const auto rows = read(format, line, 1 + random() % 9);
            ASSERT_TRUE(rows.has_value()) << line;
            ASSERT_EQ(rows->size(), 1u) << line;
            EXPECT_EQ((*rows)[0], row) << line;
        }
    }
}

}  // namespace
}  // namespace understudy::database
