#pragma once

// Rows of samples of any format and stride, read as what the lanes work on and
// written from it: bytes 0..255 for the published diffusion, floats for the
// textbook one. Included only where an instruction set is switched on, after its
// primitives.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../sample.h"
#include "../simd/exact_quotient.h"

namespace pyquant {
namespace {

// ---- a dense row of `count` samples, a multiple of floats_at_once

template <int count, typename Sample>
PYQUANT_INLINE void read_row(const Sample* from, std::uint8_t* to) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    std::memcpy(to, from, count);
  } else {
    for (int i = 0; i < count; i += floats_at_once) {
      store_floats(to + i, truncate(multiply(clamp(load_floats(from + i), 1.0f), 255.0f)));
    }
  }
}

// Floats are clamped later, where they are scaled.
template <int count, typename Sample>
PYQUANT_INLINE void read_row(const Sample* from, float* to) {
  const ExactQuotient to_unit(255);
  for (int i = 0; i < count; i += floats_at_once) {
    const auto value = load_floats(from + i);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      store_floats(to + i, divide(value, to_unit));
    } else {
      store_floats(to + i, value);
    }
  }
}

// From codes k to levels k/(n-1). 255k/(n-1) is at least 1/510 away from the middle
// of two bytes, n-1 being odd: rounding the float product finds the right byte.
struct LevelScale {
  ExactQuotient to_unit;
  float to_byte;
  bool past_caches;

  explicit LevelScale(const DiffusionCall& call)
      : to_unit(level_count(call.bits) - 1),
        to_byte(255.0f / static_cast<float>(level_count(call.bits) - 1)),
        past_caches(is_past_caches(call.to.count * call.to.height * call.to.width)) {}

 private:
  // Of more than 8 MB of floats, little is left in the caches when their reader comes.
  // More than 32 MB is memory fresh from the operating system, with glibc: just
  // cleared, and so in the caches.
  static bool is_past_caches(std::int64_t samples) {
    return samples > std::int64_t{8} << 18 && samples <= std::int64_t{32} << 18;
  }
};

// Stores a register of levels. Past the caches no line is fetched first, only to be
// overwritten; streams_end() makes such stores visible to other threads.
template <typename Sample>
PYQUANT_INLINE void store_levels(Sample* to, Floats levels, const LevelScale& scale) {
  if constexpr (std::is_same_v<Sample, float>) {
    if (scale.past_caches && reinterpret_cast<std::uintptr_t>(to) % sizeof(Floats) == 0) {
      return stream_floats(to, levels);
    }
  }
  store_floats(to, levels);
}

template <int count, typename Sample>
PYQUANT_INLINE void write_row(const std::uint8_t* from, Sample* to, const LevelScale& scale) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    std::memcpy(to, from, count);
  } else {
    const ExactQuotient to_unit(255);
    for (int i = 0; i < count; i += floats_at_once) {
      store_levels(to + i, divide(load_floats(from + i), to_unit), scale);
    }
  }
}

template <int count, typename Code, typename Sample>
PYQUANT_INLINE void write_codes(const Code* from, Sample* to, const LevelScale& scale) {
  for (int i = 0; i < count; i += floats_at_once) {
    const auto code = load_floats(from + i);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      store_floats(to + i, multiply(code, scale.to_byte));
    } else {
      store_levels(to + i, divide(code, scale.to_unit), scale);
    }
  }
}

// ---- `count` levels as the diffusion leaves them: levels in bytes or packed for the
// published one, codes in floats for the textbook one

template <typename Level, typename = void>
constexpr int levels_in = 1;
template <typename Level>
constexpr int levels_in<Level, std::void_t<decltype(Level::count)>> = Level::count;

template <int count, typename Level, typename Sample>
PYQUANT_INLINE void write_levels(const Level* from, Sample* to, const LevelScale& scale) {
  if constexpr (levels_in<Level> > 1) {
    static_assert(count == levels_in<Level>);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) return from->unpack(to);
    for (int j = 0; j < count / floats_at_once; ++j) {
      store_levels(to + j * floats_at_once, from->unit_levels(j), scale);
    }
  } else if constexpr (std::is_same_v<Level, std::uint8_t>) {
    write_row<count>(from, to, scale);
  } else {
    write_codes<count>(from, to, scale);
  }
}

// ---- `count` samples, `stride` apart, that begin `offset` samples into an image

template <typename Work, typename Level>
struct RowAccess {
  void (*read)(const void* image, std::int64_t offset, std::int64_t stride, std::int64_t count,
               Work* row);
  void (*write)(const Level* row, const LevelScale& scale, void* image, std::int64_t offset,
                std::int64_t stride, std::int64_t count);

  // The same for `rows` rows. Row i begins `offset` samples behind begin[i] in the
  // image.
  void (*read_rows)(const void* image, const std::int64_t* begin, std::int64_t offset,
                    std::int64_t stride, std::int64_t count, int rows, Work* first,
                    std::int64_t distance);
  void (*write_rows)(const Level* first, std::int64_t distance, int rows,
                     const LevelScale& scale, void* image, const std::int64_t* begin,
                     std::int64_t offset, std::int64_t stride, std::int64_t count);
};

// Room for `count` samples and for a whole register.
template <typename Sample, int count>
struct DenseRow {
  static constexpr int register_samples = 64 / sizeof(Sample);
  alignas(64) Sample samples[count < register_samples ? register_samples : count];
};

// 16 samples, or a cache line if that is more and they are only copied.
template <typename Sample, typename Work>
constexpr int samples_at_once = std::is_same_v<Sample, Work> && sizeof(Sample) == 1 ? 64 : 16;

// Nothing is read or written but the samples themselves: what is strided, or not
// a whole samples_at_once, goes through a dense buffer. Two to four channels side
// by side have a fixed stride; any_stride stands for all others.
constexpr int any_stride = 0;

template <int fixed, typename Sample, typename Work>
[[gnu::noinline]] void read_strided(const Sample* from, std::int64_t stride, std::int64_t count,
                                    Work* row) {
  constexpr int at_once = samples_at_once<Sample, Work>;
  DenseRow<Sample, at_once> dense = {};
  const auto gather = [&](int some) {
    if constexpr (fixed == any_stride) {
      for (int i = 0; i < some; ++i) dense.samples[i] = from[i * stride];
    } else {
      gather_samples<fixed>(from, some, dense.samples);
    }
  };
  for (; count >= at_once; count -= at_once) {
    gather(at_once);
    read_row<at_once>(dense.samples, row);
    from += at_once * stride;
    row += at_once;
  }
  if (count > 0) {
    Work dense_row[at_once];
    gather(static_cast<int>(count));
    read_row<at_once>(dense.samples, dense_row);
    std::memcpy(row, dense_row, count * sizeof(Work));
  }
}

template <int fixed, typename Sample, typename Level>
[[gnu::noinline]] void write_strided(const Level* row, const LevelScale& scale, Sample* to,
                                     std::int64_t stride, std::int64_t count) {
  constexpr int levels = levels_in<Level>;
  constexpr int at_once = std::max(samples_at_once<Sample, Level>, levels);
  DenseRow<Sample, at_once> dense;
  LevelScale to_dense = scale;
  to_dense.past_caches = false;  // the dense buffer is read again at once
  const auto scatter = [&](int some) {
    if constexpr (fixed == any_stride) {
      for (int i = 0; i < some; ++i) to[i * stride] = dense.samples[i];
    } else {
      scatter_samples<fixed>(dense.samples, some, to);
    }
  };
  for (; count >= at_once; count -= at_once) {
    write_levels<at_once>(row, dense.samples, to_dense);
    scatter(at_once);
    row += at_once / levels;
    to += at_once * stride;
  }
  if (count > 0) {
    Level dense_row[at_once / levels] = {};
    std::memcpy(dense_row, row, (count + levels - 1) / levels * sizeof(Level));
    write_levels<at_once>(dense_row, dense.samples, to_dense);
    scatter(static_cast<int>(count));
  }
}

template <typename Sample, typename Work>
void read_samples(const void* image, std::int64_t offset, std::int64_t stride, std::int64_t count,
                  Work* row) {
  constexpr int at_once = samples_at_once<Sample, Work>;
  const Sample* from = static_cast<const Sample*>(image) + offset;
  if (stride == 1 && std::is_same_v<Sample, Work>) {
    std::memcpy(row, from, count * sizeof(Sample));
    return;
  }
  for (; count >= at_once && stride == 1; count -= at_once) {
    read_row<at_once>(from, row);
    from += at_once;
    row += at_once;
  }
  if (count == 0) return;
  switch (stride) {
    case 2: return read_strided<2>(from, stride, count, row);
    case 3: return read_strided<3>(from, stride, count, row);
    case 4: return read_strided<4>(from, stride, count, row);
    default: return read_strided<any_stride>(from, stride, count, row);
  }
}

template <typename Sample, typename Level>
void write_samples(const Level* row, const LevelScale& scale, void* image, std::int64_t offset,
                   std::int64_t stride, std::int64_t count) {
  constexpr int levels = levels_in<Level>;
  constexpr int at_once = std::max(samples_at_once<Sample, Level>, levels);
  Sample* to = static_cast<Sample*>(image) + offset;
  if (stride == 1 && std::is_same_v<Sample, std::uint8_t> && std::is_same_v<Sample, Level>) {
    std::memcpy(to, row, count);
    return;
  }
  for (; count >= at_once && stride == 1; count -= at_once) {
    write_levels<at_once>(row, to, scale);
    row += at_once / levels;
    to += at_once;
  }
  if (count == 0) return;
  switch (stride) {
    case 2: return write_strided<2>(row, scale, to, stride, count);
    case 3: return write_strided<3>(row, scale, to, stride, count);
    case 4: return write_strided<4>(row, scale, to, stride, count);
    default: return write_strided<any_stride>(row, scale, to, stride, count);
  }
}

template <typename Sample, typename Work>
void read_rows(const void* image, const std::int64_t* begin, std::int64_t offset,
               std::int64_t stride, std::int64_t count, int rows, Work* first,
               std::int64_t distance) {
  for (int i = 0; i < rows; ++i) {
    read_samples<Sample>(image, begin[i] + offset, stride, count, first + i * distance);
  }
}

template <typename Sample, typename Level>
void write_rows(const Level* first, std::int64_t distance, int rows, const LevelScale& scale,
                void* image, const std::int64_t* begin, std::int64_t offset,
                std::int64_t stride, std::int64_t count) {
  for (int i = 0; i < rows; ++i) {
    write_samples<Sample>(first + i * distance, scale, image, begin[i] + offset, stride, count);
  }
}

template <typename Sample, typename Work, typename Level>
RowAccess<Work, Level> row_access_as() {
  return {read_samples<Sample, Work>, write_samples<Sample, Level>, read_rows<Sample, Work>,
          write_rows<Sample, Level>};
}

template <typename Work, typename Level>
RowAccess<Work, Level> row_access(SampleFormat format) {
  switch (format) {
    case SampleFormat::uint8: return row_access_as<std::uint8_t, Work, Level>();
    case SampleFormat::float16: return row_access_as<Float16, Work, Level>();
    case SampleFormat::bfloat16: return row_access_as<BFloat16, Work, Level>();
    case SampleFormat::float32: return row_access_as<float, Work, Level>();
    default: return row_access_as<double, Work, Level>();
  }
}

}  // namespace
}  // namespace pyquant
