// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>

#include "network.hpp"

int main(int argc, char** argv) {
    // Where it isn't possible the network can't be made, and the tests are skipped saying why.
    (void)understudy::lb::conformance::become_network_administrator();
    ::signal(SIGPIPE, SIG_IGN);
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
