// SPDX-License-Identifier: Apache-2.0
// What callers meet while the server is away. hang: they wait until it is back, or are killed.
// error:DURATION: they get EIO when it has been away, or they have waited, for so long. Neither brings a lost
// session back: a file that was open then gives ESTALE.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::files {

struct OnLoss {
    bool hang = false;
    std::optional<Duration> error_after;  // none and not hang: one client lease
};

// Error kind bad_input for anything but "hang" and "error:DURATION" (as "error:10s").
Result<OnLoss> parse_on_loss(const std::string& text);

}  // namespace understudy::files
