#pragma once

// Rows of samples of any format and stride, read as what the lanes work on and
// written from it: bytes 0..255 for the published diffusion, floats for the
// textbook one. Included only where an instruction set is switched on, after its
// primitives.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "exact_quotient.h"
#include "../sample_format.h"

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

template <int count, typename Sample>
PYQUANT_INLINE void write_row(const std::uint8_t* from, Sample* to) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    std::memcpy(to, from, count);
  } else {
    const ExactQuotient to_unit(255);
    for (int i = 0; i < count; i += floats_at_once) {
      store_floats(to + i, divide(load_floats(from + i), to_unit));
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

// A level k/(n-1) times 255 is at least 1/510 away from the middle of two bytes,
// n-1 being odd: rounding the float product finds the right byte.
template <int count, typename Sample>
PYQUANT_INLINE void write_row(const float* from, Sample* to) {
  for (int i = 0; i < count; i += floats_at_once) {
    const auto level = load_floats(from + i);
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      store_floats(to + i, multiply(level, 255.0f));
    } else {
      store_floats(to + i, level);
    }
  }
}

// ---- `count` samples, `stride` apart, that begin `offset` samples into an image

template <typename Work>
struct RowAccess {
  void (*read)(const void* image, std::int64_t offset, std::int64_t stride, std::int64_t count,
               Work* row);
  void (*write)(const Work* row, void* image, std::int64_t offset, std::int64_t stride,
                std::int64_t count);
};

constexpr int samples_at_once = 16;

// Nothing is read or written but the samples themselves: what is strided, or not
// a whole samples_at_once, goes through a dense buffer.
template <typename Sample, typename Work>
void read_samples(const void* image, std::int64_t offset, std::int64_t stride, std::int64_t count,
                  Work* row) {
  const Sample* from = static_cast<const Sample*>(image) + offset;
  if (stride == 1 && std::is_same_v<Sample, Work>) {
    std::memcpy(row, from, count * sizeof(Sample));
    return;
  }
  for (; count >= samples_at_once && stride == 1; count -= samples_at_once) {
    read_row<samples_at_once>(from, row);
    from += samples_at_once;
    row += samples_at_once;
  }
  while (count > 0) {
    const int some = static_cast<int>(std::min<std::int64_t>(count, samples_at_once));
    Sample dense[samples_at_once] = {};
    Work dense_row[samples_at_once];
    for (int i = 0; i < some; ++i) dense[i] = from[i * stride];
    read_row<samples_at_once>(dense, dense_row);
    std::memcpy(row, dense_row, some * sizeof(Work));
    from += some * stride;
    row += some;
    count -= some;
  }
}

template <typename Sample, typename Work>
void write_samples(const Work* row, void* image, std::int64_t offset, std::int64_t stride,
                   std::int64_t count) {
  Sample* to = static_cast<Sample*>(image) + offset;
  if (stride == 1 && std::is_same_v<Sample, Work>) {
    std::memcpy(to, row, count * sizeof(Sample));
    return;
  }
  for (; count >= samples_at_once && stride == 1; count -= samples_at_once) {
    write_row<samples_at_once>(row, to);
    row += samples_at_once;
    to += samples_at_once;
  }
  while (count > 0) {
    const int some = static_cast<int>(std::min<std::int64_t>(count, samples_at_once));
    Work dense_row[samples_at_once] = {};
    Sample dense[samples_at_once];
    std::memcpy(dense_row, row, some * sizeof(Work));
    write_row<samples_at_once>(dense_row, dense);
    for (int i = 0; i < some; ++i) to[i * stride] = dense[i];
    row += some;
    to += some * stride;
    count -= some;
  }
}

template <typename Sample, typename Work>
RowAccess<Work> row_access_as() {
  return {read_samples<Sample, Work>, write_samples<Sample, Work>};
}

template <typename Work>
RowAccess<Work> row_access(SampleFormat format) {
  switch (format) {
    case SampleFormat::uint8: return row_access_as<std::uint8_t, Work>();
    case SampleFormat::float16: return row_access_as<Float16, Work>();
    case SampleFormat::bfloat16: return row_access_as<BFloat16, Work>();
    case SampleFormat::float32: return row_access_as<float, Work>();
    default: return row_access_as<double, Work>();
  }
}

}  // namespace
}  // namespace pyquant
