// Floyd-Steinberg dithering on the CPU: the op. schedule.cpp divides the work,
// kernels.inl.h does it.

#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <string>

#include "../../checks.h"
#include "../../tensor.h"
#include "../huge_pages.h"
#include "../simd/dispatch.h"
#include "../torch_threads.h"
#include "kernels.h"
#include "schedule.h"

namespace pyquant {
namespace {

using torch::stable::Tensor;

Tensor floyd_steinberg(const Tensor& image, std::int64_t bits, std::string variant_name) {
  check_image(image);
  const int valid_bits = checked_bits(bits);
  const Variant variant = checked_variant(variant_name);
  const SampleFormat format = sample_format(image);
  return map_planes(image, [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                               const Planes& to_planes) {
    advise_huge_pages(to.mutable_data_ptr(), to.numel() * to.element_size());
    dither({from.const_data_ptr(), from_planes, to.mutable_data_ptr(), to_planes, format, variant,
            valid_bits},
           floyd_steinberg_kernels(instruction_set(), variant), torch_threads);
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
}
