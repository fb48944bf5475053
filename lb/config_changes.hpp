// SPDX-License-Identifier: Apache-2.0
// What a reload changes, in words, one for each thing: "backend 'c' added", "rule 'p2p' changed",
// "threads changed". Empty when the two are equal. Pure.
#pragma once

#include <string>
#include <vector>

#include "lb/config.hpp"

namespace understudy::lb {

std::vector<std::string> changes_between(const Config& before, const Config& after);

}  // namespace understudy::lb
