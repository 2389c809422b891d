// Error diffusion in AVX-512. The instruction set is switched on below the
// includes from outside, whose inline functions are thus compiled as everywhere.

#include "diffusion.h"
#include "instruction_set.h"

#if PYQUANT_X86

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>

#include "../error_diffusion.h"

#ifdef __clang__
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni"))), \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni")
#endif

// GCC 12 warns of the registers that its own intrinsics leave undefined on
// purpose, and of __m512's alignment being no part of a template argument.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wignored-attributes"

#include "avx512.h"
#include "diffusion_lanes.h"

namespace pyquant {
namespace {

template <typename Step>
void dither_planes_with(const Step& step, const DiffusionCall& call, std::int64_t first,
                        std::int64_t last) {
  PlaneGroups<Step>(call, step).dither(first, last);
}

void dither_planes(const DiffusionCall& call, std::int64_t first, std::int64_t last) {
  if (call.variant == Variant::textbook) {
    return dither_planes_with(TextbookStep(call.bits), call, first, last);
  }
  switch (call.bits) {
    case 1: return dither_planes_with(PublishedStep<1>(), call, first, last);
    case 2: return dither_planes_with(PublishedStep<2>(), call, first, last);
    case 3: return dither_planes_with(PublishedStep<3>(), call, first, last);
    case 4: return dither_planes_with(PublishedStep<4>(), call, first, last);
    case 5: return dither_planes_with(PublishedStep<5>(), call, first, last);
    case 6: return dither_planes_with(PublishedStep<6>(), call, first, last);
    default: return dither_planes_with(PublishedStep<7>(), call, first, last);
  }
}

}  // namespace

DiffusionKernels avx512_kernels(Variant variant) {
  return {variant == Variant::textbook ? TextbookStep::Lanes::lanes
                                           : PublishedStep<1>::Lanes::lanes,
          dither_planes};
}

}  // namespace pyquant

#ifdef __clang__
#pragma clang attribute pop
#endif

#endif  // PYQUANT_X86
