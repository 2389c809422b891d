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

// The result is `out`, or a new tensor if it is null.
Tensor floyd_steinberg_into(const Tensor* out, const Tensor& image, std::int64_t bits,
                            const std::string& variant_name) {
  check_image(image);
  if (out) check_out(image, *out);
  const int valid_bits = checked_bits(bits);
  const Variant variant = checked_variant(variant_name);
  const SampleFormat format = sample_format(image);
  const auto dither_planes = [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                                 const Planes& to_planes) {
    if (!out) advise_huge_pages(to.mutable_data_ptr(), to.numel() * to.element_size());
    dither({from.const_data_ptr(), from_planes, to.mutable_data_ptr(), to_planes, format, variant,
            valid_bits},
           floyd_steinberg_kernels(instruction_set(), variant), torch_threads);
  };
  return map_planes(image, out, dither_planes);
}

Tensor floyd_steinberg(const Tensor& image, std::int64_t bits, std::string variant) {
  return floyd_steinberg_into(nullptr, image, bits, variant);
}

void floyd_steinberg_out(const Tensor& image, std::int64_t bits, std::string variant,
                         const Tensor& out) {
  floyd_steinberg_into(&out, image, bits, variant);
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
  library.impl("floyd_steinberg.out", TORCH_BOX(&pyquant::floyd_steinberg_out));
}
