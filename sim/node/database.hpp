// SPDX-License-Identifier: Apache-2.0
// One libpq connection, blocking: used on a Worker's thread, one thread at a time. Errors: kind `environment`
// when the connection is gone (or could not be made), `failed` when the server refused a statement; the
// reason is the server's own, without a line break. A server that no longer answers is noticed by TCP
// (keepalives and user timeout) within about `dead_after`; whoever can't wait that long limits the wait
// itself (Worker::run).
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::node {

struct DatabaseAddress {
    std::string host;  // an IPv4 address or a name
    std::uint16_t port = 5432;
    std::string name;
    std::string user;
    std::string password;
    Duration dead_after = 10s;
};

using Row = std::vector<std::optional<std::string>>;  // values in text form; none is SQL's NULL

struct QueryAnswer {
    std::vector<Row> rows;
    std::int64_t affected = 0;
};

class Connection {
  public:
    static Result<Connection> open(const DatabaseAddress& address);

    Result<QueryAnswer> query(const std::string& sql, const std::vector<std::string>& parameters = {});
    // BEGIN, body, COMMIT; ROLLBACK when the body fails.
    template <typename Body>
    auto transaction(Body body) -> decltype(body()) {
        UNDERSTUDY_CHECK(execute("BEGIN"));
        auto outcome = body();
        if (outcome.has_error()) {
            execute("ROLLBACK").has_error();  // on a dead connection there is nothing left to roll back
            return outcome;
        }
        UNDERSTUDY_CHECK(execute("COMMIT"));
        return outcome;
    }

  private:
    struct Close {
        void operator()(PGconn* connection) const { ::PQfinish(connection); }
    };
    explicit Connection(PGconn* connection, std::string subject)
        : connection_(connection), subject_(std::move(subject)) {}
    Result<void> execute(const std::string& sql);
    Error last_error() const;

    std::unique_ptr<PGconn, Close> connection_;
    std::string subject_;
};

// A bigint's text form.
Result<std::int64_t> to_integer(const std::optional<std::string>& value);

}  // namespace understudy::node
