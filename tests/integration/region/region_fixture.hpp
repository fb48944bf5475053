// SPDX-License-Identifier: Apache-2.0
// What the tests of whole regions share: the CLI with folders of the test's own, and a look at what a region
// left behind.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::test {

class Region : public ::testing::Test {
  protected:
    // `understudy ARGUMENTS`, with its state in this test's folder and the user's cache.
    Outcome understudy(std::vector<std::string> arguments,
                       std::chrono::milliseconds limit = std::chrono::minutes(5));

    // Skips the test where this machine cannot run pods, with the reason that `doctor` gives.
    void SetUp() override;
    void TearDown() override;

    // The longest outage that `understudy bound TOPOLOGY` gives for the fault; `more` are further arguments.
    Duration bound(const std::string& topology, const std::string& fault, std::vector<std::string> more = {});
    // A host's events of that name, in their order.
    std::vector<json::object> events(const std::string& region, const std::string& host,
                                     const std::string& name);

    json::value read_json(const std::filesystem::path& path) const;
    // Host processes whose command line names this test's folder.
    std::vector<std::string> processes_left() const;

    // What a region must not leave on the machine: network interfaces, mounts, and the namespaces of
    // processes, as text.
    std::set<std::string> traces_on_machine() const;

    ScratchDirectory scratch_;
};

}  // namespace understudy::test
