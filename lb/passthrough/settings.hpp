// SPDX-License-Identifier: Apache-2.0
// What of a configuration concerns the data path passthrough, in the terms of its rules.
#pragma once

#include "base/result.hpp"
#include "lb/config.hpp"
#include "lb/core/passthrough_rules.hpp"

namespace understudy::lb {

// Error kind bad_input: the configuration asks for what the kernel can't do.
Result<PassthroughSettings> passthrough_settings(const Config& config);

}  // namespace understudy::lb
