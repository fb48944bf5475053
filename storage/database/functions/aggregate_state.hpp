// SPDX-License-Identifier: Apache-2.0
// The state of an aggregate of ours: SQLite keeps a pointer's room for each group, the state itself is ours.
#pragma once

#include <sqlite3.h>

namespace understudy::database {

// Null where SQLite is out of memory, or where there was no row and none is to be made.
template <typename State>
State* state_of(sqlite3_context* context, bool make) {
    auto** slot = static_cast<State**>(sqlite3_aggregate_context(context, make ? sizeof(State*) : 0));
    if (slot == nullptr) return nullptr;
    if (*slot == nullptr && make) *slot = new State();
    return *slot;
}

template <typename State, void (*value)(sqlite3_context*)>
void finish_aggregate(sqlite3_context* context) {
    value(context);
    auto** slot = static_cast<State**>(sqlite3_aggregate_context(context, 0));
    if (slot == nullptr) return;
    delete *slot;
    *slot = nullptr;
}

}  // namespace understudy::database
