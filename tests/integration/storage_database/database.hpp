// SPDX-License-Identifier: Apache-2.0
// What the tests of understudy-db as a process share: the process with a folder, a port and an administration
// of its own, and libpq as its client. One thread, but for clients of their own.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::test {

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Client = std::unique_ptr<PGconn, Finish>;
using Answer = std::unique_ptr<PGresult, Clear>;

std::string state_of(const Answer& answer);  // its SQLSTATE, empty where there is none
Answer run(const Client& client, const std::string& sql);
Answer run(const Client& client, const char* sql, std::vector<const char*> values);
std::string tag(const Answer& answer);                            // empty where the connection is gone
std::string value(const Client& client, const std::string& sql);  // of the first row's first column

// Looks again until it is so, at most half a minute.
template <typename Condition>
::testing::AssertionResult comes_true(const std::string& what, Condition condition) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30); !condition();) {
        if (std::chrono::steady_clock::now() > end)
            return ::testing::AssertionFailure() << "waited half a minute: " << what;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return ::testing::AssertionSuccess();
}

class Database : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;  // expects that it ends in order

    pid_t spawn();  // another process with the same configuration
    void start();
    int wait_for_end();    // its status, as waitpid() gives it
    int stop(int signal);  // the same after that signal
    std::string where(const char* password) const;
    Client connect(const char* password = "secret") const;

    Outcome program_with(std::vector<std::string> arguments) const;  // understudy-db, to its end
    Outcome admin(std::vector<std::string> words) const;
    json::object state() const;
    std::vector<json::object> events(const std::string& name) const;  // attributes, in their order
    // Of the file, "ok"; the service, whose alone it is, is stopped for that and started again.
    std::string integrity();

    const ScratchDirectory scratch_;
    const std::string directory_ = scratch_.path();
    int port_ = 0;
    pid_t pid_ = 0;
};

}  // namespace understudy::test
