#pragma once

// Linear quantization, vectorised once for all instruction sets: bytes by what the
// instruction set is best at, everything else as two registers of floats. Included in
// place, where an instruction set is switched on (../floyd_steinberg/kernels.inl.h says
// why), after its primitives, QuantizeBytes and LevelTable.

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "../../sample.h"
#include "../simd/exact_quotient.h"
#include "kernels.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

// QuantizeBytes(call) quantizes at_once bytes.
template <typename Quantize>
concept ByteQuantizer =
    std::constructible_from<Quantize, const LinearQuantizeCall&> &&
    requires(const Quantize& quantize, const std::uint8_t* from, std::uint8_t* to) {
      { Quantize::at_once } -> std::convertible_to<int>;
      quantize(from, to);
    };
static_assert(ByteQuantizer<QuantizeBytes>);

// A Level(bits) is a function from codes with a fraction, which is cut off, to levels.
template <typename Level>
concept LevelOfPosition = std::constructible_from<Level, int> &&
                          requires(const Level& level_at, Floats::Vector position) {
                            { level_at(position) } -> std::same_as<Floats::Vector>;
                          };

// LevelTable does it with fewer operations than LevelQuotient, for up to most_bits bits.
struct LevelQuotient {
  ExactQuotient to_unit;

  explicit LevelQuotient(int bits) : to_unit(level_count(bits) - 1) {}
  PYQUANT_INLINE Floats::Vector operator()(Floats::Vector position) const {
    return Floats::divide(Floats::truncate(position), to_unit);
  }
};
static_assert(LevelOfPosition<LevelQuotient> && LevelOfPosition<LevelTable>);

// nearest_code and floor_code in one: x*(n-1) + 1/2, or x * 255/2^(8-bits) + 0,
// where dividing by a power of two and adding zero round nothing.
template <typename Level>
struct QuantizeFloats {
  float scale;
  float offset;
  Level level_at;
  static constexpr int at_once = 2 * Floats::size;

  explicit QuantizeFloats(const LinearQuantizeCall& call)
      : scale(call.rounding == Rounding::nearest
                  ? static_cast<float>(level_count(call.bits) - 1)
                  : 255.0f / static_cast<float>(1 << (8 - call.bits))),
        offset(call.rounding == Rounding::nearest ? 0.5f : 0.0f),
        level_at(call.bits) {}

  PYQUANT_INLINE Floats::Vector level(Floats::Vector unit) const {
    return level_at(
        Floats::add(Floats::multiply(unit, Floats::broadcast(scale)), Floats::broadcast(offset)));
  }

  template <typename Sample>
  PYQUANT_INLINE void operator()(const Sample* from, Sample* to) const {
    Floats::Vector one;
    Floats::Vector other;
    Floats::load_unit_pair(from, one, other);
    Floats::store_level_pair(to, level(one), level(other));
  }
};

// Asks for the cache lines that are some way ahead of these samples. The processor does so by
// itself, too, but starts anew in each page of memory, and the work on samples of 16 bits
// leaves it little time to catch up.
template <int count, typename Sample>
PYQUANT_INLINE void fetch_ahead(const Sample* from, Sample* to) {
  constexpr int line = 64 / sizeof(Sample);  // samples in a line
  for (int i = 0; i < count; i += line) {
    __builtin_prefetch(from + i + 16 * line);
    __builtin_prefetch(to + i + 8 * line, 1);
  }
}

template <typename Quantize, typename Sample>
void quantize_by(const LinearQuantizeCall& call, std::int64_t image_offset,
                 std::int64_t result_offset, std::int64_t count) {
  constexpr int at_once = Quantize::at_once;
  const Quantize quantize(call);
  const Sample* from = static_cast<const Sample*>(call.image) + image_offset;
  Sample* to = static_cast<Sample*>(call.result) + result_offset;
  std::int64_t done = 0;
  if (call.image_stride == 1 && call.result_stride == 1) {
    for (; count - done >= at_once; done += at_once) {
      fetch_ahead<at_once>(from + done, to + done);
      quantize(from + done, to + done);
    }
  }
  // What is strided, or too short, goes through a dense buffer.
  while (done < count) {
    const int some = static_cast<int>(std::min<std::int64_t>(at_once, count - done));
    Sample before[at_once] = {};
    Sample after[at_once];
    for (int i = 0; i < some; ++i) before[i] = from[(done + i) * call.image_stride];
    quantize(before, after);
    for (int i = 0; i < some; ++i) to[(done + i) * call.result_stride] = after[i];
    done += some;
  }
}

}  // namespace

void linear_quantize_samples(const LinearQuantizeCall& call, std::int64_t image_offset,
                             std::int64_t result_offset, std::int64_t count) {
  with_sample_type(call.format, [&]<typename Sample>(std::type_identity<Sample>) {
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      quantize_by<QuantizeBytes, Sample>(call, image_offset, result_offset, count);
    } else if (call.bits <= LevelTable::most_bits) {
      quantize_by<QuantizeFloats<LevelTable>, Sample>(call, image_offset, result_offset, count);
    } else {
      quantize_by<QuantizeFloats<LevelQuotient>, Sample>(call, image_offset, result_offset, count);
    }
  });
}

}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
