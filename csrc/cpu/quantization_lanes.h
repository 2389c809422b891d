#pragma once

// Linear quantization, vectorised once for all instruction sets: bytes by a
// table of 256 levels, everything else as floats, floats_at_once at a time.
// Included only where an instruction set is switched on, after its primitives.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "exact_quotient.h"
#include "quantization.h"

namespace pyquant {
namespace {

// The level of every byte, for each rounding and number of bits.
class ByteLevels {
 public:
  static const std::uint8_t* of(Rounding rounding, int bits) {
    static const ByteLevels levels;
    return levels.level_[rounding == Rounding::nearest][bits];
  }

 private:
  ByteLevels() {
    for (int bits = minimum_bits; bits <= maximum_bits; ++bits) {
      for (int value = 0; value < 256; ++value) {
        const auto sample = static_cast<std::uint8_t>(value);
        level_[0][bits][value] = linear_quantize_sample<Rounding::floor>(sample, bits);
        level_[1][bits][value] = linear_quantize_sample<Rounding::nearest>(sample, bits);
      }
    }
  }

  alignas(64) std::uint8_t level_[2][maximum_bits + 1][256];
};

struct QuantizeBytes {
  ByteTable table;
  explicit QuantizeBytes(const QuantizeCall& call)
      : table(ByteLevels::of(call.rounding, call.bits)) {}
  static constexpr int at_once = ByteTable::bytes;

  PYQUANT_INLINE void operator()(const std::uint8_t* from, std::uint8_t* to) const {
    table.look_up(from, to);
  }
};

// nearest_code and floor_code in one: x*(n-1) + 1/2, or (x*255) / 2^(8-bits) + 0,
// where multiplying by a power of two and adding zero round nothing.
struct QuantizeFloats {
  float scale;
  float power_of_two;
  float offset;
  ExactQuotient to_level;
  static constexpr int at_once = floats_at_once;

  explicit QuantizeFloats(const QuantizeCall& call)
      : scale(call.rounding == Rounding::nearest ? static_cast<float>(level_count(call.bits) - 1)
                                                 : 255.0f),
        power_of_two(call.rounding == Rounding::nearest
                         ? 1.0f
                         : 1.0f / static_cast<float>(1 << (8 - call.bits))),
        offset(call.rounding == Rounding::nearest ? 0.5f : 0.0f),
        to_level(level_count(call.bits) - 1) {}

  template <typename Sample>
  PYQUANT_INLINE void operator()(const Sample* from, Sample* to) const {
    const auto scaled =
        multiply(multiply(clamp(load_floats(from), 1.0f), scale), power_of_two);
    store_floats(to, divide(truncate(add(scaled, offset)), to_level));
  }
};

template <typename Sample>
void quantize_samples(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
                      std::int64_t count) {
  using Quantize =
      std::conditional_t<std::is_same_v<Sample, std::uint8_t>, QuantizeBytes, QuantizeFloats>;
  constexpr int at_once = Quantize::at_once;
  const Quantize quantize(call);
  const Sample* from = static_cast<const Sample*>(call.image) + from_offset;
  Sample* to = static_cast<Sample*>(call.result) + to_offset;
  std::int64_t done = 0;
  if (call.from_stride == 1 && call.to_stride == 1) {
    for (; count - done >= at_once; done += at_once) quantize(from + done, to + done);
  }
  // What is strided, or too short, goes through a dense buffer.
  while (done < count) {
    const int some = static_cast<int>(std::min<std::int64_t>(at_once, count - done));
    Sample before[at_once] = {};
    Sample after[at_once];
    for (int i = 0; i < some; ++i) before[i] = from[(done + i) * call.from_stride];
    quantize(before, after);
    for (int i = 0; i < some; ++i) to[(done + i) * call.to_stride] = after[i];
    done += some;
  }
}

void quantize_any(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
                  std::int64_t count) {
  switch (call.format) {
    case SampleFormat::uint8:
      return quantize_samples<std::uint8_t>(call, from_offset, to_offset, count);
    case SampleFormat::float16:
      return quantize_samples<Float16>(call, from_offset, to_offset, count);
    case SampleFormat::bfloat16:
      return quantize_samples<BFloat16>(call, from_offset, to_offset, count);
    case SampleFormat::float32: return quantize_samples<float>(call, from_offset, to_offset, count);
    case SampleFormat::float64:
      return quantize_samples<double>(call, from_offset, to_offset, count);
  }
}

}  // namespace
}  // namespace pyquant
