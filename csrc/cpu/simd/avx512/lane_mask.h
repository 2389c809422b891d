#pragma once

// A mask of AVX-512 as a range of lanes.

#include <immintrin.h>

#include <cstdint>

#include "floats.h"

namespace pyquant {
namespace {

// Bits first..last of 64; the ends may lie outside.
PYQUANT_INLINE std::uint64_t lane_mask(std::int64_t first, std::int64_t last) {
  const std::int64_t begin = first < 0 ? 0 : first > 64 ? 64 : first;
  const std::int64_t end = last < 0 ? 0 : last > 63 ? 64 : last + 1;
  return _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(end)) &
         ~_bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(begin));
}

}  // namespace
}  // namespace pyquant
