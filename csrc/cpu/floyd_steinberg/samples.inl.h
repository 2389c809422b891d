#pragma once

// Dense samples of any format, read as what the lanes work on and written from it:
// bytes 0..255 for the published variant, floats for the textbook one. Included in
// place, where an instruction set is switched on (kernels.inl.h says why).

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../sample.h"
#include "../simd/exact_quotient.h"
#include "kernels.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

// ---- a dense row of `count` samples, a multiple of Floats::size

template <int count, typename Sample>
PYQUANT_INLINE void read_row(const Sample* from, std::uint8_t* to) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    std::memcpy(to, from, count);
  } else {
    for (int i = 0; i < count; i += Floats::size) {
      const auto unit = Floats::clamp(Floats::load(from + i), 1.0f);
      Floats::store_rounded(to + i,
                            Floats::truncate(Floats::multiply(unit, Floats::broadcast(255.0f))));
    }
  }
}

// Floats are clamped later, where they are scaled.
template <int count, typename Sample>
PYQUANT_INLINE void read_row(const Sample* from, float* to) {
  const ExactQuotient to_unit(255);
  for (int i = 0; i < count; i += Floats::size) {
    const auto value = Floats::load(from + i);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      Floats::store(to + i, Floats::divide(value, to_unit));
    } else {
      Floats::store(to + i, value);
    }
  }
}

// What turns codes k into levels k/(n-1). Since n-1 is odd, 255k/(n-1) is at least 1/510
// away from the middle of two bytes, so rounding the float product finds the right byte.
struct LevelScale {
  ExactQuotient to_unit;
  float to_byte;
  bool non_temporal;

  explicit LevelScale(const FloydSteinbergCall& call)
      : to_unit(level_count(call.bits) - 1),
        to_byte(255.0f / static_cast<float>(level_count(call.bits) - 1)),
        non_temporal(is_non_temporal(call.result_planes.count * call.result_planes.height *
                                     call.result_planes.width)) {}

 private:
  // Little of more than 8 MB of floats is left in the caches when they are read next.
  // With glibc, more than 32 MB is memory fresh from the operating system, which has
  // just cleared it, so it is in the caches.
  static bool is_non_temporal(std::int64_t samples) {
    return samples > std::int64_t{8} << 18 && samples <= std::int64_t{32} << 18;
  }
};

// Stores a register of levels. A non-temporal store does not fetch the line that it
// overwrites; Floats::end_streams() makes such stores visible to other threads.
template <typename Sample>
PYQUANT_INLINE void store_or_stream_levels(Sample* to, Floats::Vector levels,
                                           const LevelScale& scale) {
  if constexpr (std::is_same_v<Sample, float>) {
    if (scale.non_temporal && reinterpret_cast<std::uintptr_t>(to) % sizeof(levels) == 0) {
      return Floats::stream(to, levels);
    }
  }
  Floats::store_levels(to, levels);
}

template <int count, typename Sample>
PYQUANT_INLINE void write_row(const std::uint8_t* from, Sample* to, const LevelScale& scale) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    std::memcpy(to, from, count);
  } else {
    const ExactQuotient to_unit(255);
    for (int i = 0; i < count; i += Floats::size) {
      store_or_stream_levels(to + i, Floats::divide(Floats::load(from + i), to_unit), scale);
    }
  }
}

template <int count, typename Code, typename Sample>
PYQUANT_INLINE void write_codes(const Code* from, Sample* to, const LevelScale& scale) {
  for (int i = 0; i < count; i += Floats::size) {
    const auto code = Floats::load(from + i);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      Floats::store_rounded(to + i, Floats::multiply(code, Floats::broadcast(scale.to_byte)));
    } else {
      store_or_stream_levels(to + i, Floats::divide(code, scale.to_unit), scale);
    }
  }
}

// ---- `count` levels as the steps leave them: levels in bytes or packed for the
// published variant, codes in floats for the textbook one

template <typename Level, typename = void>
constexpr int levels_in = 1;
template <typename Level>
constexpr int levels_in<Level, std::void_t<decltype(Level::count)>> = Level::count;

template <int count, typename Level, typename Sample>
PYQUANT_INLINE void write_levels(const Level* from, Sample* to, const LevelScale& scale) {
  if constexpr (levels_in<Level> > 1) {
    static_assert(count == levels_in<Level>);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      from->unpack(to);
    } else {
      for (int j = 0; j < count / Floats::size; ++j) {
        store_or_stream_levels(to + j * Floats::size, from->unit_levels(j), scale);
      }
    }
  } else if constexpr (std::is_same_v<Level, std::uint8_t>) {
    write_row<count>(from, to, scale);
  } else {
    write_codes<count>(from, to, scale);
  }
}
}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
