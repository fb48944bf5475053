// SPDX-License-Identifier: Apache-2.0
// The table node_mutual_exclusion as the documentation of hot/cold nodes names it: one row, id 'X'. Blocking,
// on a Worker's thread. Each call is one read, the core's decision about what was read, and one conditional
// write; a claim does all three in one transaction. Rows age by the database's clock.
#pragma once

#include "sim/node/core/mutual_exclusion.hpp"
#include "sim/node/database.hpp"

namespace understudy::node {

Result<void> create_lease_table(Connection& connection);
Result<LeaseAnswered> claim_lease(Connection& connection, const LeaseIdentity& self, Duration wait_interval);
Result<LeaseAnswered> renew_lease(Connection& connection, const LeaseIdentity& self);

}  // namespace understudy::node
