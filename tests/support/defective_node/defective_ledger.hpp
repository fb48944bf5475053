// SPDX-License-Identifier: Apache-2.0
// Ledgers that break one promise each, over a real store. early_ledger: says at once that a write is durable
// and does it 500 ms later. forgetful_ledger: executes a payment again whenever it is asked to, whatever its
// id.
#pragma once

#include <memory>

#include "sim/node/store.hpp"

namespace understudy::node {

std::unique_ptr<Ledger> early_ledger(asio::any_io_executor executor, Store& store);
std::unique_ptr<Ledger> forgetful_ledger(asio::any_io_executor executor, Store& store);

}  // namespace understudy::node
