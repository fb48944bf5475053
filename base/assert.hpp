// SPDX-License-Identifier: Apache-2.0
// UNDERSTUDY_ASSERT(condition, "what must hold"): a broken invariant ends the program, in release builds
// too, with file, line and the words given. For conditions that only a defect of ours can break; anything a
// peer, a user or the machine can cause is an Error value (result.hpp).
#pragma once

namespace understudy {

[[noreturn]] void invariant_broken(const char* condition, const char* what, const char* file,
                                   int line) noexcept;

}  // namespace understudy

#define UNDERSTUDY_ASSERT(condition, what) \
    ((condition) ? static_cast<void>(0)    \
                 : ::understudy::invariant_broken(#condition, (what), __FILE__, __LINE__))
