// SPDX-License-Identifier: Apache-2.0
// A test that runs on each engine, by its name as the parameter, on one server for all tests of its suite:
// they clear what they find.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "tests/conformance/database/servers.hpp"

namespace understudy::test {

class SharedServer : public testing::TestWithParam<std::string> {
  protected:
    static void TearDownTestSuite() { servers_.clear(); }
    void SetUp() override {
        if (GetParam() == "postgresql" && !PostgresServer::installed())
            GTEST_SKIP() << "no PostgreSQL server here (Debian: postgresql-15)";
        auto& server = servers_[GetParam()];
        if (!server) server = server_of(GetParam());
    }
    static DatabaseServer& server() { return *servers_.at(GetParam()); }

  private:
    static inline std::map<std::string, std::unique_ptr<DatabaseServer>> servers_;
};

}  // namespace understudy::test
