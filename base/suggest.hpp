// SPDX-License-Identifier: Apache-2.0
// The nearest known word to a mistyped one, by edit distance; nothing when none is near enough to be meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace understudy
