// SPDX-License-Identifier: Apache-2.0
// What is read ahead, and that nobody reads by it what has changed.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io/clock.hpp"
#include "mounts.hpp"
#include "storage/files/core/message.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {
namespace {

constexpr std::size_t piece_bytes = 64 << 10;
constexpr int pieces = 12;
constexpr int rereads = 10;

class ReadAhead : public MountsOfTwo {
  protected:
    void SetUp() override {
        begin("10s", true);
        if (IsSkipped()) return;
        put(at_b("x"), std::string(pieces * piece_bytes, 'a'));
    }
    // What one piece holds, if it is one letter all through; what is left of it at the file's end.
    static std::string read(const io::UniqueFd& file, int piece) {
        std::string data(piece_bytes, '\0');
        const ssize_t count =
            ::pread(file.get(), data.data(), data.size(), static_cast<off_t>(piece * piece_bytes));
        data.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        if (data.find_first_not_of(data.substr(0, 1)) != std::string::npos) return "mixed";
        return data.substr(0, 1);
    }
    static void write(const io::UniqueFd& file, int piece, char letter) {
        const std::string data(piece_bytes, letter);
        EXPECT_EQ(::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(piece * piece_bytes)),
                  static_cast<ssize_t>(data.size()));
    }
    // In order up to that piece, which is on its way then.
    void read_up_to(const io::UniqueFd& file, int piece) {
        for (int i = 0; i < piece; ++i) EXPECT_EQ(read(file, i), "a");
    }
};

TEST_F(ReadAhead, what_comes_next_is_asked_for_before_it_is_read) {
    io::UniqueFd file = open(at_a("x"), O_RDONLY);
    const auto before = relay->seen(Tread::type_number);
    read_up_to(file, 3);
    EXPECT_TRUE(test::eventually([&] { return relay->seen(Tread::type_number) - before > 4; }));
}

TEST_F(ReadAhead, whoever_was_granted_a_lock_reads_what_was_written_before) {
    io::UniqueFd there = open(at_b("x"), O_RDWR), lock_file = open(at_a("lock"));
    for (int round = 0; round < rereads; ++round) {
        io::UniqueFd file = open(at_a("x"), O_RDONLY);
        read_up_to(file, 4);
        write(there, 4, 'b');
        EXPECT_EQ(::fsync(there.get()), 0);
        EXPECT_EQ(lock(lock_file.get()), 0);
        EXPECT_EQ(read(file, 4), "b");
        EXPECT_EQ(lock(lock_file.get(), F_UNLCK), 0);
        write(there, 4, 'a');
        EXPECT_EQ(::fsync(there.get()), 0);
    }
}

TEST_F(ReadAhead, whoever_asks_for_the_status_reads_what_was_written_before) {
    io::UniqueFd there = open(at_b("x"), O_RDWR);
    for (int round = 0; round < rereads; ++round) {
        io::UniqueFd file = open(at_a("x"), O_RDONLY);
        read_up_to(file, 4);
        write(there, 4, 'b');
        EXPECT_EQ(::fsync(there.get()), 0);
        struct stat status = {};
        EXPECT_EQ(::fstat(file.get(), &status), 0);
        EXPECT_EQ(read(file, 4), "b");
        write(there, 4, 'a');
        EXPECT_EQ(::fsync(there.get()), 0);
    }
}

TEST_F(ReadAhead, what_the_same_host_writes_is_read) {
    for (const int flags : {O_RDWR, O_RDWR | O_SYNC}) {
        io::UniqueFd beside = open(at_a("x"), flags);
        for (int round = 0; round < rereads; ++round) {
            io::UniqueFd file = open(at_a("x"), O_RDONLY);
            read_up_to(file, 4);
            write(beside, 5, 'b');
            EXPECT_EQ(read(file, 4), "a");
            EXPECT_EQ(read(file, 5), "b");
            EXPECT_EQ(read(file, 6), "a");
            EXPECT_EQ(::ftruncate(beside.get(), 7 * piece_bytes), 0);
            EXPECT_EQ(read(file, 7), "");
            for (int i = 5; i < pieces; ++i) write(beside, i, 'a');
        }
    }
}

TEST_F(ReadAhead, a_file_that_grows_is_read_to_its_new_end) {
    io::UniqueFd there = open(at_b("x"), O_RDWR), file = open(at_a("x"), O_RDONLY);
    read_up_to(file, pieces);  // what is not there yet was asked for, too
    for (int piece = pieces; piece < pieces + rereads; ++piece) {
        write(there, piece, 'c');
        EXPECT_EQ(::fsync(there.get()), 0);
        EXPECT_EQ(read(file, piece), "c");
    }
    EXPECT_EQ(read(file, pieces + rereads), "");
}

TEST_F(ReadAhead, what_was_asked_for_more_than_twenty_milliseconds_ago_is_asked_for_anew) {
    io::UniqueFd there = open(at_b("x"), O_RDWR), file = open(at_a("x"), O_RDONLY);
    read_up_to(file, 4);
    write(there, 4, 'b');
    EXPECT_EQ(::fsync(there.get()), 0);
    for (const Instant end = io::monotonic_now() + 21ms; io::monotonic_now() < end;) ::usleep(1000);
    EXPECT_EQ(read(file, 4), "b");
}

}  // namespace
}  // namespace understudy::files::testing
