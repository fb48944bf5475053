// SPDX-License-Identifier: Apache-2.0
// The database and the accounts that a region's nodes expect, made in a server that runs. Blocking; one
// thread at a time. Errors: kind `environment` when the server isn't reached (any more), `failed` when it
// refused a statement.
#pragma once

#include <string>

#include "base/result.hpp"
#include "sim/postgresql/config.hpp"

namespace understudy::postgresql {

// What of it is missing, as the superuser over the private socket. Each user gets a schema of its own, which
// is where its tables go: two nodes that share a database don't meet. The password never reaches the server,
// nor its log: what is sent is what the server would store (scram_secret.hpp).
Result<void> make_accounts(const Config& config);

// What the server takes a transaction for that doesn't say (default_transaction_read_only), for sessions that
// are there and for those to come, also of a server that is started again.
Result<void> set_read_only(const Config& config, bool read_only);

// Comes as a client does: over the address, with a password where there is a user. The result is the
// server's version, "15.18 (Debian 15.18-0+deb12u1)", or empty without a user.
Result<std::string> log_in(const Config& config);

}  // namespace understudy::postgresql
