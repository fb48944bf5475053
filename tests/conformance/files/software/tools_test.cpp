// SPDX-License-Identifier: Apache-2.0
// Debian's fio and dbench on a share. fio writes blocks with a checksum in each and reads them back.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/io/unique_fd.hpp"
#include "fixture.hpp"
#include "tests/support/process.hpp"

namespace understudy::files::testing {
namespace {

struct Job {
    const char* name;
    std::vector<std::string> arguments;
};

class Fio : public TwoHosts {
  protected:
    void SetUp() override {
        if (::access("/usr/bin/fio", X_OK) != 0) GTEST_SKIP() << "package fio is missing";
        TwoHosts::SetUp();
    }
    // One job of fio's on `host`; what it printed is told where it fails.
    void fio(const std::string& host, const Job& job, const std::vector<std::string>& more) {
        std::vector<std::string> command = {"/usr/bin/fio",
                                            fmt::format("--name={}", job.name),
                                            "--directory=" + service->at(host),
                                            "--size=6m",
                                            "--verify=crc32c",
                                            "--verify_fatal=1",
                                            "--randseed=7",
                                            "--thread",
                                            "--group_reporting"};
        command.insert(command.end(), job.arguments.begin(), job.arguments.end());
        command.insert(command.end(), more.begin(), more.end());
        test::RunOptions options;
        options.working_directory = service->scratch("");
        options.limit = std::chrono::milliseconds(100'000);
        test::Outcome outcome = test::run(command, options);
        EXPECT_FALSE(outcome.timed_out) << job.name;
        EXPECT_EQ(outcome.status, 0) << job.name << " on " << host << "\n" << outcome.out << outcome.err;
    }
};

const Job jobs[] = {
    {"sequential", {"--rw=write", "--bs=128k", "--ioengine=psync"}},
    {"random", {"--rw=randwrite", "--bs=4k", "--ioengine=psync"}},
    {"odd-sizes", {"--rw=randwrite", "--bsrange=512-70k", "--bs_unaligned=1", "--ioengine=psync"}},
    {"four-at-once", {"--rw=randwrite", "--bs=8k", "--ioengine=psync", "--numjobs=4", "--size=2m"}},
    {"many-in-flight", {"--rw=randwrite", "--bs=4k", "--ioengine=libaio", "--iodepth=16"}},
    {"synced", {"--rw=randwrite", "--bs=4k", "--ioengine=psync", "--fsync=16", "--size=1m"}},
};

TEST_F(Fio, what_is_written_is_read_back) {
    for (const Job& job : jobs) fio("a", job, {});
}

TEST_F(Fio, what_one_host_wrote_the_other_reads) {
    for (const Job& job : jobs) {
        fio("a", job, {"--do_verify=0", "--fsync_on_close=1"});
        fio("b", job, {"--verify_only"});
    }
}

TEST_F(Fio, a_block_that_was_changed_behind_the_share_is_found) {
    fio("a", jobs[0], {"--do_verify=0", "--fsync_on_close=1"});
    std::string path = service->data("sequential.0.0");
    io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(file.get(), "changed", 7, 1'000'003), 7);
    test::RunOptions options;
    options.working_directory = service->scratch("");
    test::Outcome outcome = test::run({"/usr/bin/fio", "--name=sequential", "--directory=" + service->at("b"),
                                       "--size=6m", "--verify=crc32c", "--verify_fatal=1", "--randseed=7",
                                       "--thread", "--rw=write", "--bs=128k", "--verify_only"},
                                      options);
    EXPECT_NE(outcome.status, 0);
}

class Dbench : public TwoHosts {};

TEST_F(Dbench, eight_clients_of_dbench_find_every_answer_as_expected) {
    if (::access("/usr/bin/dbench", X_OK) != 0) GTEST_SKIP() << "package dbench is missing";
    test::RunOptions options;
    options.limit = std::chrono::milliseconds(100'000);
    test::Outcome outcome = test::run(
        {"/usr/bin/dbench", "-t", "10", "-c", "/usr/share/dbench/client.txt", "-D", service->at("a"), "8"},
        options);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("Throughput"), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.out.find("expected status"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace understudy::files::testing
