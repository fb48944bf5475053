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

// A pending read keeps the connection on its snapshot. Before a statement that has to see what others have
// committed since, tables included, the rest of such a read is taken; where nobody has, it goes on as it is.
Engine::Status Engine::see_latest() {
    if (!transaction_.reads_anew()) return std::nullopt;
    const bool left_behind = std::any_of(portals_.begin(), portals_.end(), [&](const auto& item) {
        const Portal& portal = item.second;
        return portal.started && !portal.finished && !portal.all_held && portal.turns != transaction_.turns();
    });
    return left_behind ? hold_open_portals() : std::nullopt;
}

Engine::Status Engine::before_read() {
    if (auto error = see_latest()) return error;
    return transaction_.before_read();
}

// At Sync and behind a simple query: outside of a block this is the transaction's end, and its portals'.
Engine::Status Engine::end_statements() {
    if (transaction_.implicit()) return finish(true);
    if (transaction_.none()) drop_portals();
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
    if (!error) notifications_.roll_back_to(savepoint);
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
