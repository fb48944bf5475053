// SPDX-License-Identifier: Apache-2.0
// Which parts of what was not synced reach the disk when the power goes. Pure: the seed decides.
#pragma once

#include <cstdint>

#include "base/random.hpp"

namespace understudy::storage {

// Which parts of unsynced writes a power loss lets reach the disk: none, or by chance each page of 4096 bytes
// or each sector of 512.
enum class TornWrites { none, pages, sectors };

constexpr std::uint64_t undo_page_bytes = 4096;
constexpr std::uint64_t sector_bytes = 512;

class LandingChoice {
  public:
    LandingChoice(TornWrites torn, std::uint64_t seed) : torn_(torn), draws_(seed) {}

    // How many bytes land or are lost together: a page, or a sector of one.
    std::uint64_t unit_bytes() const { return torn_ == TornWrites::sectors ? sector_bytes : undo_page_bytes; }
    bool lands() { return torn_ != TornWrites::none && draws_.chance(0.5); }  // the next unit, or a size
    // How many of the `count` oldest changes of names land: names reach the disk in their order.
    std::uint64_t names_that_land(std::uint64_t count) {
        return torn_ == TornWrites::none ? 0 : draws_.below(count + 1);
    }

  private:
    TornWrites torn_;
    Random draws_;
};

}  // namespace understudy::storage
