// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/programs.hpp"

#include <gmock/gmock.h>

#include "base/io/clock.hpp"
#include "tests/support/scratch_directory.hpp"
#include "vmctl/image/subprocess.hpp"

namespace understudy::vmctl {
namespace {

TEST(SharedLibraries, of_a_dynamic_program_are_its_loader_and_what_the_loader_finds) {
    const auto libraries = shared_libraries(std::filesystem::read_symlink("/proc/self/exe"));
    ASSERT_TRUE(libraries.has_value()) << libraries.error().message();
    EXPECT_TRUE(libraries->contains("lib64/ld-linux-x86-64.so.2"));
    bool has_libc = false;
    for (const auto& [path, file] : *libraries) has_libc = has_libc || path.ends_with("/libc.so.6");
    EXPECT_TRUE(has_libc);
}

TEST(SharedLibraries, of_what_is_no_program_are_refused) {
    const test::ScratchDirectory directory;
    EXPECT_EQ(shared_libraries(directory.write("script", "#!/bin/sh\n")).error().kind, ErrorKind::bad_input);
    EXPECT_EQ(shared_libraries("/no/such/program").error().kind, ErrorKind::environment);
}

TEST(RunProgram, gives_status_and_output) {
    const auto echoed = run_program({"echo", "a b"}, 10s);
    ASSERT_TRUE(echoed.has_value()) << echoed.error().message();
    EXPECT_EQ(echoed->output, "a b\n");
    EXPECT_EQ(run_program({"false"}, 10s)->status, 1);
    EXPECT_EQ(run_program({"/no/such/program"}, 10s).error().kind, ErrorKind::environment);
}

TEST(RunProgram, kills_what_outlasts_its_limit) {
    const Instant before = io::monotonic_now();
    const auto late = run_program({"sleep", "60"}, 50ms);
    ASSERT_TRUE(late.has_error());
    EXPECT_EQ(late.error().message(), "sleep: did not end within 50ms");
    EXPECT_LT(io::monotonic_now() - before, 20s);
}

}  // namespace
}  // namespace understudy::vmctl
