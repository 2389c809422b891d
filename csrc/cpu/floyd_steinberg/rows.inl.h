#pragma once

// Rows of `count` samples, `stride` apart, that begin `offset` samples into an image:
// read as what the lanes work on, and written from it. Included in place, where an
// instruction set is switched on (kernels.inl.h says why).

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../sample.h"
#include "samples.inl.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

template <typename Work, typename Level>
struct RowAccess {
  void (*read)(const void* image, std::int64_t offset, std::int64_t stride, std::int64_t count,
               Work* row);
  void (*write)(const Level* row, const LevelScale& scale, void* image, std::int64_t offset,
                std::int64_t stride, std::int64_t count);

  // The same for `rows` rows. Row i begins `offset` samples after begin[i] in the
  // image.
  void (*read_rows)(const void* image, const std::int64_t* begin, std::int64_t offset,
                    std::int64_t stride, std::int64_t count, int rows, Work* first_row,
                    std::int64_t distance);
  void (*write_rows)(const Level* first_row, std::int64_t distance, int rows,
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

// Only the samples themselves are read or written: strided samples, and fewer than
// samples_at_once, go through a dense buffer. Two to four channels side
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
      Strided::gather<fixed>(from, some, dense.samples);
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
  to_dense.non_temporal = false;  // the dense buffer is read again at once
  const auto scatter = [&](int some) {
    if constexpr (fixed == any_stride) {
      for (int i = 0; i < some; ++i) to[i * stride] = dense.samples[i];
    } else {
      Strided::scatter<fixed>(dense.samples, some, to);
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
               std::int64_t stride, std::int64_t count, int rows, Work* first_row,
               std::int64_t distance) {
  for (int i = 0; i < rows; ++i) {
    read_samples<Sample>(image, begin[i] + offset, stride, count, first_row + i * distance);
  }
}

template <typename Sample, typename Level>
void write_rows(const Level* first_row, std::int64_t distance, int rows, const LevelScale& scale,
                void* image, const std::int64_t* begin, std::int64_t offset, std::int64_t stride,
                std::int64_t count) {
  for (int i = 0; i < rows; ++i) {
    write_samples<Sample>(first_row + i * distance, scale, image, begin[i] + offset, stride, count);
  }
}

template <typename Sample, typename Work, typename Level>
RowAccess<Work, Level> row_access_as() {
  return {read_samples<Sample, Work>, write_samples<Sample, Level>, read_rows<Sample, Work>,
          write_rows<Sample, Level>};
}

template <typename Work, typename Level>
RowAccess<Work, Level> row_access(SampleFormat format) {
  return with_sample_type(format, []<typename Sample>(std::type_identity<Sample>) {
    return row_access_as<Sample, Work, Level>();
  });
}

}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
