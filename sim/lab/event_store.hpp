// SPDX-License-Identifier: Apache-2.0
// The region's run database (SQLite): every event in the order of its arrival, and the settings of the run.
// Appends are gathered and committed together, at the latest when flush() is called; the region's loop calls
// it every 100 ms and at its end. Times are nanoseconds since the region started. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/scenario/core/region_event.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace understudy::lab {

class EventStore {
  public:
    static Result<EventStore> open(const std::string& path);
    EventStore(EventStore&&) noexcept;
    EventStore& operator=(EventStore&&) noexcept;
    ~EventStore();

    void append(const scenario::RegionEvent& event);
    void flush();
    // Every event so far, in order, including those not yet committed.
    Result<std::vector<scenario::RegionEvent>> all();

  private:
    struct Closer {
        void operator()(sqlite3* database) const;
        void operator()(sqlite3_stmt* statement) const;
    };
    EventStore() = default;
    Result<void> execute(const char* sql);
    std::unique_ptr<sqlite3, Closer> database_;
    std::unique_ptr<sqlite3_stmt, Closer> insert_;
    bool in_transaction_ = false;
};

}  // namespace understudy::lab
