#pragma once

// The arithmetic headers are compiled three times: by the host compiler for the
// CPU kernels, by nvcc for the CUDA kernels, and by the host compiler again for
// the tests that execute the CUDA kernels on the CPU, with CUDA's intrinsics made
// of host arithmetic. They include neither torch nor CUDA. Bits agree because every
// float operation is rounded on its own: -ffp-contract=off on the host,
// --fmad=false on the device.

#include <cstring>

#ifdef __FAST_MATH__
#error "pyquant needs floats that are rounded as written: compile it without -ffast-math"
#endif

#ifdef __CUDACC__
#define PYQUANT_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define PYQUANT_HOST_DEVICE inline
#endif

#if defined(__CUDA_ARCH__) || defined(PYQUANT_SIMT)
#define PYQUANT_ON_DEVICE
#endif

namespace pyquant {

// a*b + c in one instruction where there is one. A comment at each call shows that
// fused and separate rounding give the same result for its operands.
PYQUANT_HOST_DEVICE float multiply_add(float a, float b, float c) {
#ifdef PYQUANT_ON_DEVICE
  return __fmaf_rn(a, b, c);
#else
  return a * b + c;
#endif
}

// floor(value) for 0 <= value < 2^23. Next to 2^23 floats are the integers, so
// on the device an addition that rounds down is the floor, and costs a quarter
// of the latency of a conversion.
PYQUANT_HOST_DEVICE float floor_of_positive(float value) {
#ifdef PYQUANT_ON_DEVICE
  return __fadd_rd(value, 0x1p23f) - 0x1p23f;
#else
  return static_cast<float>(static_cast<int>(value));
#endif
}

PYQUANT_HOST_DEVICE int float_bits(float value) {
#ifdef PYQUANT_ON_DEVICE
  return __float_as_int(value);
#else
  int bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

PYQUANT_HOST_DEVICE float bits_to_float(unsigned bits) {
#ifdef PYQUANT_ON_DEVICE
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

// Clamps a value that is not NaN to 0..most; `most` is positive. The device compares
// the bits as integers, because it has both comparisons of integers in one
// instruction: positive floats are in the order of their bits, and negative floats
// are negative integers.
PYQUANT_HOST_DEVICE float clamp_to_positive(float value, float most) {
#ifdef PYQUANT_ON_DEVICE
  const int smaller = float_bits(value) < float_bits(most) ? float_bits(value) : float_bits(most);
  return bits_to_float(static_cast<unsigned>(smaller > 0 ? smaller : 0));
#else
  return value > 0.0f ? (value < most ? value : most) : 0.0f;
#endif
}

}  // namespace pyquant
