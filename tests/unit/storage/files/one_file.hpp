// SPDX-License-Identifier: Apache-2.0
// The file whose locks the tests of the lock table and of sessions are about, and when they begin.
#pragma once

#include "base/time.hpp"
#include "storage/files/core/lock_table.hpp"

namespace understudy::files {

constexpr Instant start = Instant(1000s);
inline const LockedFile file{7, LockSpace::range};

}  // namespace understudy::files
