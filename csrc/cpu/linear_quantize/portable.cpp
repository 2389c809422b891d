// Linear quantization in plain C++, for machines without a faster kernel.

#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

#include "kernels.h"

namespace pyquant {
namespace {

template <typename Sample>
void quantize(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
              std::int64_t count) {
  const Sample* from = static_cast<const Sample*>(call.image) + from_offset;
  Sample* to = static_cast<Sample*>(call.result) + to_offset;
  const auto quantize_each = [&](auto quantize_sample) {
    for (std::int64_t i = 0; i < count; ++i) {
      to[i * call.to_stride] = quantize_sample(from[i * call.from_stride], call.bits);
    }
  };
  if (call.rounding == Rounding::nearest) {
    quantize_each(linear_quantize_sample<Rounding::nearest, Sample>);
  } else {
    quantize_each(linear_quantize_sample<Rounding::floor, Sample>);
  }
}

}  // namespace

void quantize_portable(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
                       std::int64_t count) {
  switch (call.format) {
    case SampleFormat::uint8:
      return quantize<std::uint8_t>(call, from_offset, to_offset, count);
    case SampleFormat::float16:
      return quantize<torch::headeronly::Half>(call, from_offset, to_offset, count);
    case SampleFormat::bfloat16:
      return quantize<torch::headeronly::BFloat16>(call, from_offset, to_offset, count);
    case SampleFormat::float32: return quantize<float>(call, from_offset, to_offset, count);
    case SampleFormat::float64: return quantize<double>(call, from_offset, to_offset, count);
  }
}

}  // namespace pyquant
