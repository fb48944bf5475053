// SPDX-License-Identifier: Apache-2.0
// The two servers that the tests compare: understudy-db and, where it is installed, PostgreSQL 15 or later,
// each a process of the test's own on loopback with data in a scratch folder, and ended with it.
#pragma once

#include <libpq-fe.h>
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::test {

struct FinishConnection {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Client = std::unique_ptr<PGconn, FinishConnection>;
using Answer = std::unique_ptr<PGresult, ClearResult>;

class DatabaseServer {
  public:
    virtual ~DatabaseServer() = default;
    virtual std::string name() const = 0;

    int port() const { return port_; }
    std::map<std::string, std::string> environment() const;  // PGHOST, PGPORT, …: for libpq's programs
    Client connect() const;
    Answer run(const Client& client, const std::string& sql) const;
    std::string value(const Client& client, const std::string& sql) const;  // the first row's first column

  protected:
    void await();
    static pid_t spawn(const std::vector<std::string>& command, const std::string& log);
    void stop(int signal);

    ScratchDirectory folder_;
    int port_ = 0;
    pid_t pid_ = 0;
};

class OurServer : public DatabaseServer {
  public:
    explicit OurServer(const std::string& more_settings = {});
    ~OurServer() override;
    std::string name() const override { return "understudy-db"; }
    void start();
    void kill();
    void end();  // in order

  private:
    std::string configuration_;
};

class PostgresServer : public DatabaseServer {
  public:
    PostgresServer();
    ~PostgresServer() override;
    std::string name() const override { return "postgresql"; }
    static bool installed();
};

std::unique_ptr<DatabaseServer> server_of(const std::string& engine);  // "postgresql", or ours

std::string state_of(const Answer& answer);    // SQLSTATE; empty where there is no error
std::string outcome_of(const Answer& answer);  // SQLSTATE, or the command's tag
// The SQLSTATE that the statement ends with when it is asked to be canceled; empty where it still runs after
// 5 s.
std::string canceled(const Client& client, const std::string& sql);

}  // namespace understudy::test
