// SPDX-License-Identifier: Apache-2.0
// Runs the real programs of the file service for a test, in a mount namespace of the test's own where it may
// make one, and collects their events. Everything is ended and unmounted with the object.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/event.hpp"
#include "base/time.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::files::testing {

// "" where FUSE can be mounted here, else why not.
std::string why_not();

class Program {
  public:
    explicit Program(std::vector<std::string> arguments);
    Program(Program&&) = delete;
    ~Program();

    void signal(int number) const;
    int wait();  // its exit status, -1 for a signal
    pid_t pid() const { return pid_; }

    std::vector<Event> events();
    std::size_t count(const std::string& event);

  private:
    pid_t pid_ = -1;
    int events_fd_ = -1;
    std::string unread_;
    std::vector<Event> events_;
};

// A child process that runs `work` and ends with its result.
class Child {
  public:
    explicit Child(const std::function<int()>& work);
    ~Child();
    pid_t pid() const { return pid_; }
    void kill() const;
    bool has_ended(Duration limit);  // reaps it
    int status() const { return status_; }

  private:
    pid_t pid_ = -1;
    bool reaped_ = false;
    int status_ = 0;
};

class Directory {  // a temporary one, with mounts at a and b
  public:
    ~Directory();
    std::string path(const std::string& below = {}) const {
        return below.empty() ? scratch_.path() : scratch_.path() / below;
    }

  private:
    const test::ScratchDirectory scratch_;
};

}  // namespace understudy::files::testing
