#pragma once

// Rows of samples of any format and stride, read as what the lanes work on and
// written from it: bytes 0..255 for the published diffusion, floats for the
// textbook one. Included only where an instruction set is switched on, after its
// primitives.

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "exact_quotient.h"
#include "sample_format.h"

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

// ---- up to `columns` samples, `stride` apart, that begin `offset` samples into
// an image

template <typename Work, int columns>
struct RowAccess {
  using Read = void(const void* image, std::int64_t offset, std::int64_t stride, int count,
                    Work* row);
  using Write = void(const Work* row, void* image, std::int64_t offset, std::int64_t stride,
                     int count);
  Read* read;
  Write* write;
};

// Nothing is read or written but the samples themselves: what is not a whole
// dense row goes through one.
template <typename Sample, typename Work, int columns>
void read_samples(const void* image, std::int64_t offset, std::int64_t stride, int count,
                  Work* row) {
  const Sample* from = static_cast<const Sample*>(image) + offset;
  if (stride == 1 && count == columns) return read_row<columns>(from, row);
  Sample dense[columns] = {};
  for (int i = 0; i < count; ++i) dense[i] = from[i * stride];
  if (count == columns) return read_row<columns>(dense, row);
  Work whole_row[columns];
  read_row<columns>(dense, whole_row);
  std::memcpy(row, whole_row, count * sizeof(Work));
}

template <typename Sample, typename Work, int columns>
void write_samples(const Work* row, void* image, std::int64_t offset, std::int64_t stride,
                   int count) {
  Sample* to = static_cast<Sample*>(image) + offset;
  if (stride == 1 && count == columns) return write_row<columns>(row, to);
  Work whole_row[columns] = {};
  std::memcpy(whole_row, row, count * sizeof(Work));
  Sample dense[columns];
  write_row<columns>(whole_row, dense);
  for (int i = 0; i < count; ++i) to[i * stride] = dense[i];
}

template <typename Work, int columns>
RowAccess<Work, columns> row_access(SampleFormat format) {
  switch (format) {
    case SampleFormat::uint8:
      return {read_samples<std::uint8_t, Work, columns>, write_samples<std::uint8_t, Work, columns>};
    case SampleFormat::float16:
      return {read_samples<Float16, Work, columns>, write_samples<Float16, Work, columns>};
    case SampleFormat::bfloat16:
      return {read_samples<BFloat16, Work, columns>, write_samples<BFloat16, Work, columns>};
    case SampleFormat::float32:
      return {read_samples<float, Work, columns>, write_samples<float, Work, columns>};
    default:
      return {read_samples<double, Work, columns>, write_samples<double, Work, columns>};
  }
}

}  // namespace
}  // namespace pyquant
