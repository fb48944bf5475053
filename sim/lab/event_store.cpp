// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/event_store.hpp"

#include <sqlite3.h>

#include "base/assert.hpp"

namespace understudy::lab {
namespace {

// Evidence of a run that is going on: losing it with the machine's power is no loss, so no fsync is paid for.
constexpr const char* schema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    "CREATE TABLE event(sequence INTEGER PRIMARY KEY, t_ns INTEGER NOT NULL, source TEXT NOT NULL, host TEXT "
    "NOT NULL,"
    " event TEXT NOT NULL, line TEXT NOT NULL);"
    "CREATE INDEX event_by_name ON event(event, t_ns);";

std::string_view column_text(sqlite3_stmt* statement, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    return text == nullptr
               ? std::string_view()
               : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

void bind_text(sqlite3_stmt* statement, int index, const std::string& text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

}  // namespace

void EventStore::Closer::operator()(sqlite3* database) const {
    sqlite3_close(database);
}
void EventStore::Closer::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}
EventStore::EventStore(EventStore&&) noexcept = default;
EventStore& EventStore::operator=(EventStore&&) noexcept = default;
EventStore::~EventStore() {
    if (database_) flush();
}

Result<void> EventStore::execute(const char* sql) {
    char* message = nullptr;
    const int status = sqlite3_exec(database_.get(), sql, nullptr, nullptr, &message);
    if (status == SQLITE_OK) return {};
    Error error =
        Error(ErrorKind::failed, "run database", message == nullptr ? sqlite3_errstr(status) : message)
            .with_number(status);
    sqlite3_free(message);
    return error;
}

Result<EventStore> EventStore::open(const std::string& path) {
    EventStore store;
    sqlite3* raw = nullptr;
    const int status = sqlite3_open(path.c_str(), &raw);
    store.database_.reset(raw);
    if (status != SQLITE_OK)
        return Error(ErrorKind::environment, path, sqlite3_errstr(status)).with_number(status);
    UNDERSTUDY_CHECK(store.execute(schema));
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(raw, "INSERT INTO event(t_ns, source, host, event, line) VALUES(?,?,?,?,?)", -1,
                       &statement, nullptr);
    UNDERSTUDY_ASSERT(statement != nullptr, "the insert fits the schema above");
    store.insert_.reset(statement);
    return store;
}

void EventStore::append(const scenario::RegionEvent& event) {
    if (!in_transaction_) in_transaction_ = execute("BEGIN").has_value();
    sqlite3_bind_int64(insert_.get(), 1, event.at.count());
    bind_text(insert_.get(), 2, event.event.source);
    bind_text(insert_.get(), 3, event.host);
    bind_text(insert_.get(), 4, event.event.name);
    bind_text(insert_.get(), 5, to_json_line(event.event));
    sqlite3_step(insert_.get());
    sqlite3_reset(insert_.get());
}

void EventStore::flush() {
    if (in_transaction_ && execute("COMMIT").has_value()) in_transaction_ = false;
}

Result<std::vector<scenario::RegionEvent>> EventStore::all() {
    sqlite3_stmt* raw = nullptr;
    sqlite3_prepare_v2(database_.get(), "SELECT t_ns, host, line FROM event ORDER BY sequence", -1, &raw,
                       nullptr);
    const std::unique_ptr<sqlite3_stmt, Closer> select(raw);
    UNDERSTUDY_ASSERT(select != nullptr, "the query fits the schema above");
    std::vector<scenario::RegionEvent> events;
    int status = SQLITE_ROW;
    while ((status = sqlite3_step(raw)) == SQLITE_ROW) {
        UNDERSTUDY_TRY(Event event, event_from_json_line(column_text(raw, 2)));
        events.push_back(
            {Duration(sqlite3_column_int64(raw, 0)), std::string(column_text(raw, 1)), std::move(event)});
    }
    if (status != SQLITE_DONE)
        return Error(ErrorKind::failed, "run database", sqlite3_errstr(status)).with_number(status);
    return events;
}

}  // namespace understudy::lab
