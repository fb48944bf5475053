// SPDX-License-Identifier: Apache-2.0
// understudy-postgresql's configuration:
//   listen: 203.0.113.30:5432                # where clients come; the server's own settings say the same
//   data: /var/lib/understudy/postgresql     # the server's data directory
//   template: /opt/understudy/postgresql     # what initdb made: copied when there is no data yet
//   settings: /etc/understudy/postgresql.conf
//   sockets: /run/postgresql                 # a folder for the server's socket, made anew at each start
//   superuser: Understudy                    # let in by that socket alone
//   database: vault                          # made where it is missing, as are the users
//   users: {party_a: {password_file: /etc/understudy/passwords/party_a}}
//   scram_iterations: 4096                   # optional; fewer only for passwords that are long and random
#pragma once

#include <map>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"

namespace understudy::postgresql {

struct Config {
    Endpoint listen;
    std::string data;
    std::string template_directory;
    std::string settings;
    std::string sockets;
    std::string superuser;
    std::string database;
    std::map<std::string, std::string> passwords;  // by user, read from their files
    int scram_iterations = 4096;                   // PostgreSQL's own
};

// Error kind bad_input: every mistake on a line of its own, "file:line:column: subject: reason; remedy".
Result<Config> read_config(const std::string& path);

}  // namespace understudy::postgresql
