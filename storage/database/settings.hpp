// SPDX-License-Identifier: Apache-2.0
// A session's settings: SET, SHOW and RESET (PostgreSQL manual chapter 20). Those that change nothing here
// can be set to what they are; those that clients set for themselves can be set freely; the rest is refused
// by name. What is set in a transaction that is rolled back, or SET LOCAL, goes back with it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

class Settings {
  public:
    Settings();

    std::optional<SqlError> set(const std::string& name, const std::string& value);
    std::optional<SqlError> reset(const std::string& name);  // all, where it is empty
    SqlResult<std::string> show(const std::string& name) const;
    const std::map<std::string, std::string>& all() const { return values_; }

    std::chrono::milliseconds duration(const std::string& name) const;  // 0: no limit

    void begin() { before_ = values_; }
    void finish(bool commit) {
        if (!commit && before_) values_ = *before_;
        before_.reset();
    }

  private:
    std::map<std::string, std::string> values_;
    std::optional<std::map<std::string, std::string>> before_;
};

}  // namespace understudy::database
