#pragma once

// Error diffusion, vectorised once for all instruction sets. A pixel waits for
// its left neighbour, so the lanes of a register hold pixels of different rows:
// of different planes if there are many (diffusion_planes.h), of one plane if it
// is large (diffusion_stripes.h). An instruction set brings lanes and one step of
// each variant in them (avx512/steps.h, avx2/steps.h). Included only where it is
// switched on.

#include <cstdint>

#include "kernels.h"
#include "planes.inl.h"
#include "stripes.inl.h"

namespace pyquant {
namespace {

// Calls function(step) with the step of a variant and bits. Its tables are made
// once.
template <int bits>
const PublishedStep<bits>& published_step() {
  static const PublishedStep<bits> step;
  return step;
}

template <typename Function>
PYQUANT_INLINE void with_step(const DiffusionCall& call, Function function) {
  if (call.variant == Variant::textbook) return function(TextbookStep(call.bits));
  switch (call.bits) {
    case 1: return function(published_step<1>());
    case 2: return function(published_step<2>());
    case 3: return function(published_step<3>());
    case 4: return function(published_step<4>());
    case 5: return function(published_step<5>());
    case 6: return function(published_step<6>());
    case 7: return function(published_step<7>());
    default: return function(published_step<8>());
  }
}

void dither_planes(const DiffusionCall& call, std::int64_t first, std::int64_t last) {
  with_step(call, [&](const auto& step) {
    PlaneGroups<std::decay_t<decltype(step)>>(call, step).dither(first, last);
  });
  streams_end();
}

void dither_stripes(const DiffusionCall& call, std::int64_t first_plane, std::int64_t end_plane,
                    std::int64_t stripe, void* row_above, void* buffer,
                    const StripeProgress* before, StripeProgress* own) {
  with_step(call, [&](const auto& step) {
    using Step = std::decay_t<decltype(step)>;
    if (end_plane - first_plane == 1) {
      Stripes<Step, 1>(call, step, first_plane, end_plane, stripe, row_above, buffer)
          .dither(before, own);
    } else {
      Stripes<Step, Step::stripe_planes>(call, step, first_plane, end_plane, stripe, row_above,
                                         buffer)
          .dither(before, own);
    }
  });
  streams_end();
}

template <typename Step>
DiffusionKernels kernels_of_step() {
  using MostStripes = Stripes<Step, Step::stripe_planes>;
  return {Step::Lanes::lanes,           dither_planes,
          MostStripes::rows,            Step::stripe_planes,
          MostStripes::row_above_bytes, MostStripes::buffer_bytes,
          dither_stripes};
}

DiffusionKernels kernels_for(Variant variant) {
  return variant == Variant::textbook ? kernels_of_step<TextbookStep>()
                                      : kernels_of_step<PublishedStep<1>>();
}

}  // namespace
}  // namespace pyquant
