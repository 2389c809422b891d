#pragma once

// Floyd-Steinberg dithering, vectorised once for all instruction sets. A pixel waits
// for its left neighbour, so the lanes of a register hold pixels of different rows:
// of different planes if there are many (planes.inl.h), of one plane if it is large
// (stripes.inl.h). An instruction set brings its primitives (../simd/concepts.h) and,
// in the .cpp file that includes this one, the tables of the published variant and how
// much work is interleaved (steps.inl.h).
//
// This file and those that it includes are compiled once for each instruction set:
// a template takes over the instruction set of the place where it is defined. So they
// are included in place, between target_begin.inl.h and target_end.inl.h, and their
// namespace is that of the instruction set. Within it they have internal linkage, like
// the rest of a .cpp file: the compiler then knows every caller, and inlines what is
// called once.

#include <cstdint>
#include <type_traits>

#include "kernels.h"
#include "planes.inl.h"
#include "steps.inl.h"
#include "stripes.inl.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

// Calls function(step) with the step of a variant and bits. Its tables are made
// once.
template <int bits>
const PublishedStep<bits>& published_step() {
  static const PublishedStep<bits> step;
  return step;
}

template <typename Function>
PYQUANT_INLINE void with_step(const FloydSteinbergCall& call, Function function) {
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

void dither_planes(const FloydSteinbergCall& call, std::int64_t first_plane, std::int64_t end_plane,
                   void* scratch) {
  with_step(call, [&](const auto& step) {
    using Step = std::decay_t<decltype(step)>;
    PlaneGroups<Step>(call, step, end_plane - first_plane, scratch).dither(first_plane, end_plane);
  });
  Floats::end_streams();
}

// In a narrow image, most lanes of a stripe are outside for most steps: a row begins two
// steps after the one above. Then the registers of a stripe are dithered one after
// another, each as a stripe of its own. Several planes side by side still hide the
// latency of a step.
template <typename Step>
struct NarrowStripes {
  using Stripe = Stripes<Step, Step::stripe_planes, 1>;

  static bool suit(std::int64_t width) {
    return Step::stripe_registers > 1 && width <= 2 * Stripes<Step, Step::stripe_planes>::lag;
  }
  static void dither(const FloydSteinbergCall& call, const Step& step, std::int64_t first_plane,
                     std::int64_t end_plane, std::int64_t stripe, void* row_above, void* buffer) {
    for (int i = 0; i < Step::stripe_registers; ++i) {
      const std::int64_t part = stripe * Step::stripe_registers + i;
      if (part * Stripe::rows >= call.image_planes.height) return;
      Stripe(call, step, first_plane, end_plane, part, row_above, buffer).dither(nullptr, nullptr);
    }
  }
};

// The stripes of an image so wide that whole rows of one would be more than a megabyte.
template <typename Step>
struct WideStripes {
  using Stripe = Stripes<Step, 1, Step::stripe_registers, Buffered::blocks>;

  static bool suit(std::int64_t width) {
    return Stripes<Step, 1>::buffer_bytes(width) > std::int64_t{1} << 20;
  }
  // Apart, so that it leaves the other stripes as the compiler makes them without it.
  [[gnu::noinline]] static void dither(const FloydSteinbergCall& call, const Step& step,
                                       std::int64_t plane, std::int64_t stripe, void* row_above,
                                       void* buffer, const StripeProgress* before,
                                       StripeProgress* own) {
    Stripe(call, step, plane, plane + 1, stripe, row_above, buffer).dither(before, own);
  }
};

void dither_stripes(const FloydSteinbergCall& call, std::int64_t first_plane,
                    std::int64_t end_plane, std::int64_t stripe, void* row_above, void* buffer,
                    const StripeProgress* before, StripeProgress* own) {
  with_step(call, [&](const auto& step) {
    using Step = std::decay_t<decltype(step)>;
    if (WideStripes<Step>::suit(call.image_planes.width)) {
      WideStripes<Step>::dither(call, step, first_plane, stripe, row_above, buffer, before, own);
    } else if (end_plane - first_plane == 1) {
      Stripes<Step, 1>(call, step, first_plane, end_plane, stripe, row_above, buffer)
          .dither(before, own);
    } else if (!own && NarrowStripes<Step>::suit(call.image_planes.width)) {
      NarrowStripes<Step>::dither(call, step, first_plane, end_plane, stripe, row_above, buffer);
    } else {
      Stripes<Step, Step::stripe_planes>(call, step, first_plane, end_plane, stripe, row_above,
                                         buffer)
          .dither(before, own);
    }
  });
  Floats::end_streams();
}

template <typename Step>
FloydSteinbergKernels kernels_of_step() {
  using MostStripes = Stripes<Step, Step::stripe_planes>;
  return {
      .planes_at_once = Step::Lanes::lanes,
      .dither_planes = dither_planes,
      .planes_bytes = PlaneGroups<Step>::scratch_bytes,
      .rows_at_once = MostStripes::rows,
      .stripes_at_once = Step::stripe_planes,
      .row_above_bytes =
          [](std::int64_t width, std::int64_t planes) {
            return planes == 1 ? Stripes<Step, 1>::row_above_bytes(width)
                               : MostStripes::row_above_bytes(width);
          },
      .buffer_bytes =
          [](std::int64_t width, std::int64_t planes, bool in_order) {
            if (planes > 1) {
              return in_order && NarrowStripes<Step>::suit(width)
                         ? NarrowStripes<Step>::Stripe::buffer_bytes(width)
                         : MostStripes::buffer_bytes(width);
            }
            return WideStripes<Step>::suit(width) ? WideStripes<Step>::Stripe::buffer_bytes(width)
                                                  : Stripes<Step, 1>::buffer_bytes(width);
          },
      .dither_stripes = dither_stripes,
  };
}

}  // namespace

FloydSteinbergKernels floyd_steinberg_kernels(Variant variant) {
  return variant == Variant::textbook ? kernels_of_step<TextbookStep>()
                                      : kernels_of_step<PublishedStep<1>>();
}

}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
