// SPDX-License-Identifier: Apache-2.0
// Runs the real programs of the file service for a test, in a mount namespace of the test's own where it may
// make one, and collects their events. Everything is ended and unmounted with the object.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/event.hpp"
#include "base/io/unique_fd.hpp"
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

    std::vector<Event> events();                  // all until now
    std::size_t count(const std::string& event);  // of that name, until now

  private:
    // A program doesn't wait for whoever reads its events: what a full pipe can't take is lost. So they are
    // read by a thread, as they come.
    void read_until_ended();
    void take_events();

    pid_t pid_ = -1;
    io::UniqueFd events_end_;
    std::mutex mutex_;
    std::string unread_;
    std::vector<Event> events_;
    std::map<std::string, std::size_t> counts_;
    std::atomic<bool> ended_ = false;
    std::thread reader_;
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
