// Floyd-Steinberg error diffusion on the CPU: the op. The kernels are in
// diffusion_*.h and in a folder for each instruction set; diffusion_schedule.cpp
// calls them.

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <functional>
#include <string>

#include "../../checks.h"
#include "../../tensor_format.h"
#include "../../tensor.h"
#include "kernels.h"
#include "schedule.h"
#include "../huge_pages.h"
#include "../simd/dispatch.h"

namespace pyquant {
namespace {

DiffusionKernels kernels_for(Variant variant) {
#if PYQUANT_X86
  if (instruction_set() == InstructionSet::avx512) return avx512_kernels(variant);
  if (instruction_set() == InstructionSet::avx2) return avx2_kernels(variant);
#endif
  return portable_kernels(variant);
}

// torch's own threads, so that torch.set_num_threads is obeyed.
constexpr Threads torch_threads = {
    [] { return static_cast<std::int64_t>(torch::stable::get_num_threads()); },
    [](std::int64_t count, const std::function<void(std::int64_t)>& task) {
      torch::stable::parallel_for(0, count, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) task(i);
      });
    }};

torch::stable::Tensor floyd_steinberg(const torch::stable::Tensor& image, std::int64_t bits,
                                      std::string variant) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Variant chosen = checked_variant(variant);
  const SampleFormat format = sample_format(image);
  return map_planes(image, [&](const auto& from, const Planes& from_planes, const auto& to,
                               const Planes& to_planes) {
    advise_huge_pages(to.mutable_data_ptr(), to.numel() * to.element_size());
    dither({from.const_data_ptr(), from_planes, to.mutable_data_ptr(), to_planes, format, chosen,
            checked},
           kernels_for(chosen), torch_threads);
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
}
