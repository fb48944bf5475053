// SPDX-License-Identifier: Apache-2.0
// What becomes of portals and cursors that are open while their session goes on: with writes, savepoints and
// the ends of transactions (PostgreSQL manual, DECLARE, and chapter 55.2.3).
#include <algorithm>

#include "storage/database/engine.hpp"

namespace understudy::database {

void Engine::give_back(Portal& portal) {
    if (!portal.compiled || !portal.prepared) return;
    sqlite3_reset(portal.compiled.get());
    sqlite3_clear_bindings(portal.compiled.get());
    if (!portal.prepared->compiled) portal.prepared->compiled = std::move(portal.compiled);
    portal.compiled.reset();
}

void Engine::drop_portals() {
    for (auto& [name, portal] : portals_) give_back(portal);
    portals_.clear();
}

// A cursor shows what was there when it began: before its session writes or takes something back, what is
// left of it is read. An error on the way is its reader's, at its place.
Engine::Status Engine::hold_open_portals() {
    std::size_t bytes = 0;
    for (auto& [name, portal] : portals_) {
        if (!portal.started || portal.finished || portal.failed || portal.all_held || !portal.compiled)
            continue;
        std::deque<std::vector<Stored>> rows;
        while (true) {
            std::vector<Stored> row;
            const auto more = next_row(portal, row);
            if (more.has_error() && more.error().sqlstate == sqlstate::query_canceled) return more.error();
            if (more.has_error()) portal.held_error = more.error();
            if (more.has_error() || !*more) break;
            for (const auto& value : row)
                bytes +=
                    sizeof value +
                    (std::holds_alternative<std::string>(value) ? std::get<std::string>(value).size() : 0);
            if (bytes > max_held_bytes) {
                portal.held_error = SqlError{sqlstate::limit_exceeded,
                                             "the session's open portals had too many rows left to keep"};
                break;
            }
            rows.push_back(std::move(row));
        }
        portal.held = std::move(rows);
        portal.all_held = true;
        sqlite3_reset(portal.compiled.get());
    }
    return std::nullopt;
}

// Those that were opened after a savepoint end with what it takes back; the others go on where they are.
Engine::Status Engine::roll_back_to(const std::string& savepoint) {
    if (const auto opened = opened_by_savepoint_.roll_back_to(savepoint)) {
        for (auto& [name, portal] : portals_)
            if (portal.opened > *opened) give_back(portal);
        std::erase_if(portals_, [&](const auto& item) { return item.second.opened > *opened; });
        std::erase_if(cursors_, [&](const auto& item) { return item.second.opened > *opened; });
        if (auto error = hold_open_portals()) return error;
    }
    auto error = transaction_.roll_back_to(savepoint);
    if (!error) lease_.roll_back_to(savepoint);
    schema_.forget();
    return error;
}

// What a transaction's end leaves of the cursors.
void Engine::end_cursors(bool commit) {
    std::erase_if(cursors_,
                  [&](const auto& item) { return !item.second.kept && !(commit && item.second.hold); });
    for (auto& [name, cursor] : cursors_) cursor.kept = true;
    opened_by_savepoint_.clear();
}

}  // namespace understudy::database
