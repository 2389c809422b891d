#pragma once

// What a mask of AVX2 is made of: a range of lanes, compared with their numbers.

#include <cstdint>

#include "../inline.h"

namespace pyquant::avx2 {

PYQUANT_INLINE int clamp_lane(std::int64_t lane) {
  return static_cast<int>(lane < -1 ? -1 : lane > 32 ? 32 : lane);
}

}  // namespace pyquant::avx2
