// Floyd-Steinberg error diffusion on the CPU: the op, and how its work is spread
// over torch's threads. The kernels are in diffusion_*.

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "../checks.h"
#include "../tensor_planes.h"
#include "aligned_buffer.h"
#include "diffusion.h"
#include "instruction_set.h"
#include "tensor_format.h"

namespace pyquant {
namespace {

DiffusionKernels kernels_for(Variant variant) {
#if PYQUANT_X86
  if (instruction_set() == InstructionSet::avx512) return avx512_kernels(variant);
#endif
  return portable_kernels(variant);
}

// A thread should have at least this many samples to pay for its wake-up.
constexpr std::int64_t samples_per_thread = 65536;

std::int64_t divided_up(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// How many threads are worth their while.
std::int64_t useful_threads(const Planes& planes) {
  const std::int64_t most = planes.count * planes.height * planes.width / samples_per_thread;
  if (most <= 1) return 1;  // without asking torch
  return std::min<std::int64_t>(most, torch::stable::get_num_threads());
}

void dither_by_planes(const DiffusionCall& call, const DiffusionKernels& kernels,
                      std::int64_t threads) {
  const std::int64_t planes = call.from.count;
  const std::int64_t at_once = kernels.planes_at_once;
  if (threads == 1) return kernels.dither_planes(call, 0, planes);
  const std::int64_t groups = divided_up(planes, at_once);
  torch::stable::parallel_for(
      0, groups, divided_up(groups, threads), [&](std::int64_t first, std::int64_t last) {
        kernels.dither_planes(call, first * at_once, std::min(last * at_once, planes));
      });
}

// Stripes are handed out in an order in which each comes after the one above it,
// so whoever waits, waits for a stripe that some thread has already begun: this
// ends with any number of threads. Planes take turns; the next stripe of a plane
// then has not much to wait for.
void dither_by_stripes(const DiffusionCall& call, const DiffusionKernels& kernels,
                       std::int64_t threads) {
  const std::int64_t planes = call.from.count;
  const std::int64_t stripes = divided_up(call.from.height, kernels.rows_at_once);
  const std::int64_t row_bytes = kernels.row_above_bytes(call.from.width);
  const std::int64_t buffer_bytes = kernels.buffer_bytes(call.from.width);
  if (threads == 1) {
    const AlignedBuffer row_above(row_bytes);
    const AlignedBuffer buffer(buffer_bytes);
    for (std::int64_t plane = 0; plane < planes; ++plane) {
      for (std::int64_t stripe = 0; stripe < stripes; ++stripe) {
        kernels.dither_stripe(call, plane, stripe, row_above.begin(), buffer.begin(), nullptr,
                              nullptr);
      }
    }
    return;
  }
  const AlignedBuffer rows_above(planes * row_bytes);
  const auto row_above = [&](std::int64_t plane) {
    return static_cast<unsigned char*>(rows_above.begin()) + plane * row_bytes;
  };
  const auto progress = std::make_unique<StripeProgress[]>(planes * stripes);
  std::atomic<std::int64_t> next = 0;
  torch::stable::parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) {
    const AlignedBuffer buffer(buffer_bytes);
    for (std::int64_t job; (job = next.fetch_add(1)) < planes * stripes;) {
      const std::int64_t plane = job % planes;
      kernels.dither_stripe(call, plane, job / planes, row_above(plane), buffer.begin(),
                            job < planes ? nullptr : &progress[job - planes], &progress[job]);
    }
  });
}

// Stripes if they take less time, counted in steps of one register. A step of a
// stripe costs a little more, and rows lag behind one another.
bool stripes_are_faster(const Planes& planes, const DiffusionKernels& kernels,
                        std::int64_t threads) {
  if (kernels.rows_at_once == 0) return false;
  const std::int64_t groups = divided_up(planes.count, kernels.planes_at_once);
  const std::int64_t by_planes = divided_up(groups, threads) * planes.height * planes.width;
  const std::int64_t stripes = divided_up(planes.height, kernels.rows_at_once) * planes.count;
  const std::int64_t lag = 2 * std::min<std::int64_t>(planes.height, kernels.rows_at_once);
  const std::int64_t by_stripes = divided_up(stripes, threads) * (planes.width + lag) *
                                  (kernels.rows_at_once / kernels.planes_at_once);
  return by_stripes + by_stripes / 4 < by_planes;
}

void dither(const DiffusionCall& call) {
  const DiffusionKernels kernels = kernels_for(call.variant);
  const std::int64_t threads = useful_threads(call.from);
  if (stripes_are_faster(call.from, kernels, threads)) {
    dither_by_stripes(call, kernels, threads);
  } else {
    dither_by_planes(call, kernels, threads);
  }
}

torch::stable::Tensor floyd_steinberg(const torch::stable::Tensor& image, std::int64_t bits,
                                      std::string variant) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Variant chosen = checked_variant(variant);
  const SampleFormat format = sample_format(image);
  return map_planes(image, [&](const auto& from, const Planes& from_planes, const auto& to,
                               const Planes& to_planes) {
    dither({from.const_data_ptr(), from_planes, to.mutable_data_ptr(), to_planes, format,
            chosen, checked});
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
}
