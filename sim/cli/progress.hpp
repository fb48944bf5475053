// SPDX-License-Identifier: Apache-2.0
// What a person sees while a region comes up: on a terminal one line that is rewritten, with each host that
// is not yet there, its state and for how long; elsewhere a plain line whenever something changed.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/time.hpp"
#include "sim/lab/lifecycle.hpp"

namespace understudy::cli {

// The hosts still waited for, as "corda-primary starting 2.1s, corda-backup running 0.4s …".
std::string waiting_text(const json::object& status);

class ProgressLine {
  public:
    ProgressLine();
    ~ProgressLine();  // ends the rewritten line
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const std::string& line, const json::object* status);
    lab::ProgressListener listener();

  private:
    bool terminal_;
    bool line_open_ = false;
    Instant started_;
    std::string last_plain_;
};

}  // namespace understudy::cli
