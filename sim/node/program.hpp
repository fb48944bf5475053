// SPDX-License-Identifier: Apache-2.0
// understudy-node's command line: run, network-map, client, audit, each with --config FILE. Returns the exit
// status (docs/ARCHITECTURE.md). `wrap_ledger` may be empty; it lays another ledger over the node's own.
#pragma once

#include "sim/node/node.hpp"

namespace understudy::node {

int run_program(int argc, const char* const* argv, const LedgerWrapper& wrap_ledger);

}  // namespace understudy::node
