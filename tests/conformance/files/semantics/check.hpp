// SPDX-License-Identifier: Apache-2.0
// One check of what a file system answers: a key, and code that works in an empty folder of its own (its
// working directory) and tells what it got as text. It runs in a child process, as root, and may become
// another user. The same code runs on the share and on a local folder; the two texts must be the same unless
// docs/file-service.md lists the key.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace understudy::files::testing {

class Answers {
  public:
    // "name=0" or "name=ENOENT": call it with what a system call returned, before errno is lost.
    void tell(const std::string& name, long result);
    void note(const std::string& text);
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

struct Check {
    std::string key;  // "rename onto a folder that isn't empty"
    std::function<void(Answers&)> run;
};

// Each file of checks gives its own.
std::vector<Check> path_checks();        // every operation on every kind of path
std::vector<Check> permission_checks();  // what another user than the files' owner may do
std::vector<Check> time_checks();        // which times an operation changes
std::vector<Check> feature_checks();     // what a file system may have or lack

// Runs the check in `folder` (made here, mode 0777). "hangs" when it takes more than 20 s, "died" for a
// signal.
std::string run(const Check& check, const std::string& folder);

// In the child only: goes on as user and group 65534, without privileges.
void become_another_user();

void put(const std::string& path, const std::string& text = "text", unsigned mode = 0644);

}  // namespace understudy::files::testing
