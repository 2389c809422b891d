#pragma once

// A mask of AVX-512 as a range of lanes.

#include <immintrin.h>

#include <cstdint>

#include "../inline.h"

#include "target_begin.inl.h"

namespace pyquant::avx512 {

// Bits first_lane..last_lane of 64; the ends may lie outside.
PYQUANT_INLINE std::uint64_t lane_mask(std::int64_t first_lane, std::int64_t last_lane) {
  const std::int64_t begin = first_lane < 0 ? 0 : first_lane > 64 ? 64 : first_lane;
  const std::int64_t end = last_lane < 0 ? 0 : last_lane > 63 ? 64 : last_lane + 1;
  return _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(end)) &
         ~_bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(begin));
}

}  // namespace pyquant::avx512

#include "../target_end.inl.h"
