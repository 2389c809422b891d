#pragma once

// CUDA's keywords and arithmetic on the host. With these the shared headers compile as
// they do for a device, and a kernel is a function. Included before everything else.

#define PYQUANT_SIMT
#define __global__ inline
#define __launch_bounds__(...)
#define __grid_constant__

#include <bit>
#include <cfenv>
#include <cmath>

inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fmaf_rd(float a, float b, float c) {
  volatile float x = a, y = b, z = c;  // or it might be computed before the mode is set
  std::fesetround(FE_DOWNWARD);
  const volatile float result = std::fma(x, y, z);
  std::fesetround(FE_TONEAREST);
  return result;
}
inline float __fadd_rd(float a, float b) { return __fmaf_rd(a, 1.0f, b); }
inline float __saturatef(float value) {
  return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
}
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
