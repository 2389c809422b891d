// Linear quantization on the CPU: one pass over the rows of all planes.

#include "../linear_quantize.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "../checks.h"
#include "../sample_types.h"
#include "../tensor_planes.h"

namespace pyquant {
namespace {

template <Rounding rounding, typename Sample>
void quantize(const Sample* image, const Planes& from, Sample* result, const Planes& to, int bits) {
  constexpr std::int64_t samples_per_thread = 32768;
  const std::int64_t rows = from.count * from.height;
  const std::int64_t grain = std::max<std::int64_t>(1, samples_per_thread / from.width);
  torch::stable::parallel_for(0, rows, grain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t index = first; index < last; ++index) {
      const std::int64_t plane = index / from.height;
      const std::int64_t row = index % from.height;
      const Sample* source = image + from.offset(plane) + row * from.row_stride;
      Sample* target = result + to.offset(plane) + row * to.row_stride;
      for (std::int64_t column = 0; column < from.width; ++column) {
        target[column * to.column_stride] =
            linear_quantize_sample<rounding>(source[column * from.column_stride], bits);
      }
    }
  });
}

torch::stable::Tensor linear_quantize(const torch::stable::Tensor& image, std::int64_t bits,
                                      std::string rounding) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Rounding chosen = checked_rounding(rounding);
  return map_planes(image, [&](const auto& from, const Planes& from_planes, const auto& to,
                               const Planes& to_planes) {
    dispatch_sample_type(from.scalar_type(), "image", [&](auto sample_type) {
      using Sample = typename decltype(sample_type)::type;
      const Sample* source = static_cast<const Sample*>(from.const_data_ptr());
      Sample* target = static_cast<Sample*>(to.mutable_data_ptr());
      if (chosen == Rounding::nearest) {
        quantize<Rounding::nearest>(source, from_planes, target, to_planes, checked);
      } else {
        quantize<Rounding::floor>(source, from_planes, target, to_planes, checked);
      }
    });
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
}
