#pragma once

// Linear quantization, vectorised once for all instruction sets: bytes by what
// the instruction set has for them, everything else as two registers of floats.
// Included only where an instruction set is switched on, after its primitives,
// QuantizeBytes and LevelTable.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "../simd/exact_quotient.h"
#include "kernels.h"

namespace pyquant {
namespace {

// Two registers of samples in [0, 1]; of the 16-bit formats see avx512/floats.h.
template <typename Sample>
PYQUANT_INLINE void load_units(const Sample* from, Floats& first, Floats& second) {
  first = clamp(load_floats(from), 1.0f);
  second = clamp(load_floats(from + floats_at_once), 1.0f);
}

template <typename Sample>
PYQUANT_INLINE void store_levels(Sample* to, Floats first, Floats second) {
  store_floats(to, first);
  store_floats(to + floats_at_once, second);
}

// From codes with a fraction, which is cut off, to levels. LevelTable does the same
// for few levels with fewer operations.
struct LevelQuotient {
  ExactQuotient to_unit;

  explicit LevelQuotient(int bits) : to_unit(level_count(bits) - 1) {}
  PYQUANT_INLINE Floats operator()(Floats position) const {
    return divide(truncate(position), to_unit);
  }
};

// nearest_code and floor_code in one: x*(n-1) + 1/2, or x * 255/2^(8-bits) + 0,
// where dividing by a power of two and adding zero round nothing.
template <typename Level>
struct QuantizeFloats {
  float scale;
  float offset;
  Level level_at;
  static constexpr int at_once = 2 * floats_at_once;

  explicit QuantizeFloats(const QuantizeCall& call)
      : scale(call.rounding == Rounding::nearest
                  ? static_cast<float>(level_count(call.bits) - 1)
                  : 255.0f / static_cast<float>(1 << (8 - call.bits))),
        offset(call.rounding == Rounding::nearest ? 0.5f : 0.0f),
        level_at(call.bits) {}

  PYQUANT_INLINE Floats level(Floats unit) const {
    return level_at(add(multiply(unit, scale), offset));
  }

  template <typename Sample>
  PYQUANT_INLINE void operator()(const Sample* from, Sample* to) const {
    Floats first;
    Floats second;
    load_units(from, first, second);
    store_levels(to, level(first), level(second));
  }
};

template <typename Quantize, typename Sample>
void quantize_by(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
                 std::int64_t count) {
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

template <typename Sample>
void quantize_samples(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
                      std::int64_t count) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    quantize_by<QuantizeBytes, Sample>(call, from_offset, to_offset, count);
  } else if (call.bits <= LevelTable::most_bits) {
    quantize_by<QuantizeFloats<LevelTable>, Sample>(call, from_offset, to_offset, count);
  } else {
    quantize_by<QuantizeFloats<LevelQuotient>, Sample>(call, from_offset, to_offset, count);
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
