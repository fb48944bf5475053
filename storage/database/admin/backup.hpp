// SPDX-License-Identifier: Apache-2.0
// One copy at a time of the database that the service serves, made while clients write. It must be the
// service that copies: the file is its alone. Threads: called on one; the copy is made on a thread of its
// own, which the destructor waits for.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "base/result.hpp"

namespace understudy::database {

class Backup {
  public:
    enum class State { none, running, done, failed };

    ~Backup();

    // Begins. Error kind bad_input: one runs, or `to` is no absolute path (the service's folder isn't the
    // caller's).
    Result<void> start(const std::string& from, const std::string& to);
    State state() const { return state_; }
    const std::string& to() const { return to_; }
    const Result<void>& outcome() const { return outcome_; }  // once it is done or failed

  private:
    std::string to_;
    Result<void> outcome_;
    std::atomic<State> state_ = State::none;
    std::thread thread_;
};

const char* to_string(Backup::State state);

}  // namespace understudy::database
