#pragma once

// Samples that lie `stride` apart, one by one.

#include "floats.h"

namespace pyquant {
namespace {

template <int stride, typename Sample>
PYQUANT_INLINE void gather_samples(const Sample* from, int count, Sample* dense) {
  for (int i = 0; i < count; ++i) dense[i] = from[i * stride];
}

template <int stride, typename Sample>
PYQUANT_INLINE void scatter_samples(const Sample* dense, int count, Sample* to) {
  for (int i = 0; i < count; ++i) to[i * stride] = dense[i];
}

}  // namespace
}  // namespace pyquant
