// SPDX-License-Identifier: Apache-2.0
// A share and two hosts that mounted it, begun anew for each test.
#pragma once

#include <gtest/gtest.h>

#include "tests/conformance/files/service.hpp"

namespace understudy::files::testing {

class TwoHosts : public ::testing::Test {
  protected:
    void SetUp() override {
        auto started = Service::start(2);
        if (started.has_error() && started.error().kind == ErrorKind::environment)
            GTEST_SKIP() << started.error().message();
        ASSERT_TRUE(started.has_value()) << started.error().message();
        service = std::move(*started);
    }

    std::unique_ptr<Service> service;
};

}  // namespace understudy::files::testing
