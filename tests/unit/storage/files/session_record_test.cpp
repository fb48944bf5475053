// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/session_record.hpp"

#include <gtest/gtest.h>

namespace understudy::files {
namespace {

const SessionRecord::Live a{"a", "1"}, b{"host b", "2"};

TEST(SessionRecord, comes_back_as_it_was_written) {
    SessionRecord record;
    record.live = {a, b};
    record.fences_reserved = 3000;
    record.files = {{7, 2001, 12, b}, {8, 5, 0, std::nullopt}};
    record.carried = {{7, 2001, false, b}, {7, 12, true, a}};
    record.delegated = b;
    EXPECT_EQ(to_text(record),
              "a#1\nhost b#2\n#fence 3000\n#file 7 2001 12 host b#2\n#file 8 5 0 -\n"
              "#carries 7 2001 ok host b#2\n#carries 7 12 overtaken a#1\n#delegated host b#2\n");
    EXPECT_EQ(parse_session_record(to_text(record)), record);
}

TEST(SessionRecord, a_file_of_before_fencing_is_read) {
    SessionRecord record = parse_session_record("a#1\nhost b#2\n");
    EXPECT_EQ(record, (SessionRecord{{a, b}, 0, {}, {}, {}}));
}

TEST(SessionRecord, lines_without_sense_are_passed_over) {
    SessionRecord record = parse_session_record(
        "\nplain\na#1#resume\n#fence\n#fence x\n#file 7\n#carries 7 1 ok plain\n#delegated plain\n#other "
        "1\na#1\n");
    EXPECT_EQ(record, (SessionRecord{{a}, 0, {}, {}, {}}));
}

}  // namespace
}  // namespace understudy::files
