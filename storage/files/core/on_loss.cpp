// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/on_loss.hpp"

namespace understudy::files {

Result<OnLoss> parse_on_loss(const std::string& text) {
    constexpr std::string_view error = "error:";
    if (text == "hang") return OnLoss{true, {}};
    if (text.starts_with(error)) {
        UNDERSTUDY_TRY(Duration after, parse_duration(text.substr(error.size())));
        return OnLoss{false, after};
    }
    return Error(ErrorKind::bad_input, "\"" + text + "\"", "is neither hang nor error:DURATION")
        .with_remedy("write hang, or error:10s");
}

}  // namespace understudy::files
