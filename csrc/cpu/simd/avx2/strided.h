#pragma once

// Samples that lie `stride` apart, gathered and scattered one by one.

#include "../concepts.h"
#include "../inline.h"

#include "target_begin.inl.h"

namespace pyquant::avx2 {

struct Strided {
  template <int stride, typename Sample>
  static PYQUANT_INLINE void gather(const Sample* from, int count, Sample* dense) {
    for (int i = 0; i < count; ++i) dense[i] = from[i * stride];
  }

  template <int stride, typename Sample>
  static PYQUANT_INLINE void scatter(const Sample* dense, int count, Sample* to) {
    for (int i = 0; i < count; ++i) to[i * stride] = dense[i];
  }
};

static_assert(StridedSamples<Strided>);

}  // namespace pyquant::avx2

#include "../target_end.inl.h"
