// SPDX-License-Identifier: Apache-2.0
// The data directory that every PostgreSQL server of a region begins with: what initdb makes, kept in the
// cache by the hash of what it was made from, since making it takes a second or two and copying it a tenth.
// It holds no accounts, and so no secrets. One thread; no other may run in the process while it is made.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "sim/postgresql/installation.hpp"

namespace understudy::lab {

// The folder in `cache`, made when it isn't there: in a sandbox, as the user that the server runs as. It may
// be removed by a later call once it has not been used for an hour. Error kind environment: the machine gives
// no namespaces, or initdb fails, with its last line; timeout when it takes more than a minute.
Result<std::filesystem::path> prepare_database_template(const postgresql::Installation& installation,
                                                        const std::filesystem::path& cache);

}  // namespace understudy::lab
