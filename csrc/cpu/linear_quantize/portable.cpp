// Linear quantization in plain C++, for machines without a faster kernel.

#include <cstdint>
#include <type_traits>

#include "../../linear_quantize.h"
#include "../../sample.h"
#include "kernels.h"

namespace pyquant {

void portable::linear_quantize_samples(const LinearQuantizeCall& call, std::int64_t image_offset,
                                       std::int64_t result_offset, std::int64_t count) {
  with_sample_type(call.format, [&]<typename Sample>(std::type_identity<Sample>) {
    const Sample* from = static_cast<const Sample*>(call.image) + image_offset;
    Sample* to = static_cast<Sample*>(call.result) + result_offset;
    const auto quantize_each = [&](auto quantize_sample) {
      for (std::int64_t i = 0; i < count; ++i) {
        to[i * call.result_stride] = quantize_sample(from[i * call.image_stride], call.bits);
      }
    };
    if (call.rounding == Rounding::nearest) {
      quantize_each(linear_quantize_sample<Rounding::nearest, Sample>);
    } else {
      quantize_each(linear_quantize_sample<Rounding::floor, Sample>);
    }
  });
}

}  // namespace pyquant
