#pragma once

// All that a kernel may ask of the device: its place in the launch, the barriers and
// shuffles of its warp and block, and every access to memory.
//
// The tests compile the same kernels as plain C++, with these functions made of host
// memory (tests/support/cuda_harness): there each call is executed, checked and
// counted. So the kernels touch memory through load_ and store_ only, and an `active`
// argument, not a branch around the call, says which lanes of a warp take part.
//
// Equal bits on all devices need --fmad=false: the compiler then fuses only the
// multiplications and additions that are written as multiply_add (csrc/host_device.h)
// or as multiply_add_down.

#include <cstddef>
#include <cstdint>

#include "../floyd_steinberg.h"
#include "hardware.h"

#ifndef __CUDACC__
#include "simt.h"  // of the tests, found by their include path
#else

#define PYQUANT_DEVICE __device__ __forceinline__

namespace pyquant::device {

PYQUANT_DEVICE int thread() { return threadIdx.x; }
PYQUANT_DEVICE int lane() { return threadIdx.x % warp_size; }
// From lane 0, so that the compiler knows that all lanes have the same. Otherwise it takes the
// lanes to be apart wherever something depends on the warp, and has them meet before each shuffle.
// All lanes must take part.
PYQUANT_DEVICE int warp() { return __shfl_sync(~0u, static_cast<int>(threadIdx.x) / warp_size, 0); }
PYQUANT_DEVICE int warps() { return blockDim.x / warp_size; }
PYQUANT_DEVICE std::int64_t block() { return blockIdx.x; }
PYQUANT_DEVICE std::int64_t blocks() { return gridDim.x; }

// What was written before the barrier is visible after it, to the warp or block. The warps of a
// block may be at different places of the code, which __syncthreads does not promise; the lanes of
// a warp come to the same place.
PYQUANT_DEVICE void synchronize_warp() { __syncwarp(); }
PYQUANT_DEVICE void synchronize_block() {
  asm volatile("barrier.cta.sync.aligned 0;" ::: "memory");
}

// The value of the lane with the number below; lane 0 gets its own. All lanes must take
// part.
PYQUANT_DEVICE float shuffle_up(float value) { return __shfl_up_sync(~0u, value, 1); }
PYQUANT_DEVICE bool all_lanes(bool condition) { return __all_sync(~0u, condition); }

// The dynamic shared memory of the block, aligned to 16 bytes.
PYQUANT_DEVICE unsigned char* shared_memory() {
  extern __shared__ __align__(16) unsigned char pyquant_shared_memory[];
  return pyquant_shared_memory;
}

// A load that is not active gives zeros. None is by __ldg or __restrict__: `out` may be the image,
// and memory that the kernel writes may not be read through them.
template <typename Type>
PYQUANT_DEVICE Type load_global(const Type* address, bool active = true) {
  return active ? *address : Type{};
}
// Where the load is not active, `value` stays.
template <typename Type>
PYQUANT_DEVICE void load_global_into(Type& value, const Type* address, bool active) {
  if (active) value = *address;
}
template <typename Type>
PYQUANT_DEVICE void store_global(Type* address, Type value, bool active = true) {
  if (active) *address = value;
}
template <typename Type>
PYQUANT_DEVICE Type load_shared(const Type* address, bool active = true) {
  return active ? *address : Type{};
}
template <typename Type>
PYQUANT_DEVICE void store_shared(Type* address, Type value, bool active = true) {
  if (active) *address = value;
}

// Words through which blocks that run at the same time communicate. They are relaxed: a
// word arrives whole, at some time, and orders no other memory.
PYQUANT_DEVICE std::uint32_t load_relaxed(const std::uint32_t* address, bool active = true) {
  std::uint32_t value = 0;
  if (active) asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(address));
  return value;
}
PYQUANT_DEVICE void store_relaxed(std::uint32_t* address, std::uint32_t value, bool active = true) {
  if (active) asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(address), "r"(value));
}
PYQUANT_DEVICE std::uint32_t fetch_add(std::uint32_t* address, std::uint32_t value) {
  return atomicAdd(address, value);
}

// Between two looks at a word that has not arrived.
PYQUANT_DEVICE void pause() {}

// Makes the compiler compute a value here and keep it. Otherwise it may compute it anew at
// each use, to save registers, or only where a condition holds, which then takes a branch.
PYQUANT_DEVICE void keep(std::uint32_t& value) { asm volatile("" : "+r"(value)); }
PYQUANT_DEVICE void keep(std::int32_t& value) { asm volatile("" : "+r"(value)); }
// The compiler knows the result as a pointer to global memory. Told so by __builtin_assume, it
// splits accesses of 16 bytes into four on 10.0 and 12.0.
template <typename Type>
PYQUANT_DEVICE void keep(Type*& pointer_to_global) {
  std::size_t address = __cvta_generic_to_global(pointer_to_global);
  asm volatile("" : "+l"(address));
  pointer_to_global = static_cast<Type*>(__cvta_global_to_generic(address));
}

// The lower 32 bits of high:low shifted right; 0 <= bits <= 32.
PYQUANT_DEVICE std::uint32_t shift_right(std::uint32_t low, std::uint32_t high, int bits) {
  return __funnelshift_rc(low, high, bits);
}
// The upper 32 bits of high:low shifted left; 0 <= bits <= 32.
PYQUANT_DEVICE std::uint32_t shift_left(std::uint32_t low, std::uint32_t high, int bits) {
  return __funnelshift_lc(low, high, bits);
}

// Result byte i is byte (selector >> 4i & 7) of high:low.
PYQUANT_DEVICE std::uint32_t select_bytes(std::uint32_t low, std::uint32_t high,
                                          std::uint32_t selector) {
  return __byte_perm(low, high, selector);
}

// a*b + c, rounded once and downwards.
PYQUANT_DEVICE float multiply_add_down(float a, float b, float c) { return __fmaf_rd(a, b, c); }

// 1 where a and b differ, else 0, in one instruction.
PYQUANT_DEVICE float differ(float a, float b) {
  float result;
  asm("set.ne.f32.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}

// 1 where |value| is greater than the limit, else 0.
PYQUANT_DEVICE float exceeds(float value, float limit) {
  float result;
  asm("{ .reg .f32 size; abs.f32 size, %1; set.gt.f32.f32 %0, size, %2; }"
      : "=f"(result)
      : "f"(value), "f"(limit));
  return result;
}

// A byte, plus a share as published_share_bits has it, clipped to 0..255; and the
// bits of `upper`, which is 0 or 2^23 as a float. From 9.0 on it is one instruction
// on both halves of a word: the share is the lower half of its sum, and the upper
// half of the sum, 0x4b40 or by a borrow 0x4b3f, is clipped to that of `upper`.
template <std::uint32_t upper>
PYQUANT_DEVICE int add_and_clip(int value, int share_bits) {
#if __CUDA_ARCH__ >= 900
  return static_cast<int>(__viaddmin_s16x2_relu(value, share_bits, upper | 255));
#else
  return clip_to_byte(value + (share_bits - float_bits(0x1.8p23f))) | static_cast<int>(upper);
#endif
}

}  // namespace pyquant::device

#endif
