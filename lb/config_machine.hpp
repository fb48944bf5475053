// SPDX-License-Identifier: Apache-2.0
// What the machine is told of a configuration: places in its lists are those of the configuration. Rule: the
// cloud ends established TCP flows once every backend is down with sku basic, and with sku standard where the
// pool is a single backend; the proxy leaves the latter to on_backend_down.
#pragma once

#include "lb/config.hpp"
#include "lb/core/machine_settings.hpp"

namespace understudy::lb {

MachineSettings machine_settings_of(const Config& config);

}  // namespace understudy::lb
