// Floyd-Steinberg error diffusion on the CPU: the op, and how its work is spread
// over torch's threads. The kernels are in diffusion_*.

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "../checks.h"
#include "../tensor_planes.h"
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

void dither(const DiffusionCall& call) {
  const DiffusionKernels kernels = kernels_for(call.variant);
  const std::int64_t planes = call.from.count;
  const std::int64_t samples_per_group =
      kernels.planes_at_once * call.from.height * call.from.width;
  const std::int64_t groups = (planes + kernels.planes_at_once - 1) / kernels.planes_at_once;
  const std::int64_t grain =
      std::max<std::int64_t>(1, samples_per_thread / samples_per_group);
  if (groups <= grain) return kernels.dither_planes(call, 0, planes);
  torch::stable::parallel_for(0, groups, grain, [&](std::int64_t first, std::int64_t last) {
    kernels.dither_planes(call, first * kernels.planes_at_once,
                          std::min(last * kernels.planes_at_once, planes));
  });
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
