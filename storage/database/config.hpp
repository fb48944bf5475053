// SPDX-License-Identifier: Apache-2.0
// understudy-db's configuration:
//   listen: 203.0.113.30:5432
//   file: /var/lib/understudy/corda-db.sqlite
//   users: {party_a: {password_file: /etc/understudy/party_a.password}}
//   database: corda                     # optional; any name is taken without it
//   max_connections: 100                # optional
//   lock_timeout: 5s                    # optional; a wait for the right to write, then 55P03
//   idle_in_transaction_timeout: 10s    # optional; a client that holds the right to write and says nothing,
//   then 25P03
//   tls_certificate: /etc/understudy/db.pem   # optional, PEM with its chain; then clients may ask for TLS
//   tls_key: /etc/understudy/db.key           # with it: its key, without a passphrase
//   scram_iterations: 4096              # optional; fewer only for passwords that are long and random: RFC
//   7677 asks for 4096 against guessing, and each log-in costs the client that many HMACs
//   admin_socket: /run/understudy-db.sock   # optional; see docs/database.md
//   power_loss: true                    # optional, default false; keeps what a loss of power would take
//   slow_statement_ms: 200              # optional; statements that take so long are reported
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "storage/database/tls.hpp"

namespace understudy::database {

struct Config {
    Endpoint listen;
    std::string file;
    std::map<std::string, std::string> passwords;  // by user, read from their files
    std::string database;
    std::int64_t max_connections = 100;
    Duration lock_timeout = 5s;
    Duration idle_in_transaction_timeout = 10s;
    std::shared_ptr<const TlsContext> tls;  // null: TLS isn't offered
    int scram_iterations = 4096;            // PostgreSQL's
    std::string admin_socket;               // empty: none
    bool power_loss = false;
    Duration slow_statement{0};  // 0: none is reported
};

Result<Config> read_config(const std::string& path);

}  // namespace understudy::database
