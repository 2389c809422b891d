#pragma once

// The levels of up to most_bits bits, to be loaded into registers. The last level is
// repeated to the end.

#include "../../levels.h"

namespace pyquant {

template <int most_bits>
struct LevelList {
  alignas(64) float level[1 << most_bits];

  explicit LevelList(int bits) {
    const int last = level_count(bits) - 1;
    for (int code = 0; code < 1 << most_bits; ++code) {
      level[code] = unit_level(code < last ? code : last, bits);
    }
  }
};

}  // namespace pyquant
