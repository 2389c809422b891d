#pragma once

// How a linear quantization is divided among launches and their threads. Plain C++, shared by
// the kernels, the code that launches them and the tests.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../../divide_up.h"
#include "../../host_device.h"
#include "../divisor.h"
#include "../transfers.h"
#include "dimensions.h"

namespace pyquant {

constexpr int linear_quantize_threads = 256;  // of a block

// A unit is what a thread stores at a time: a piece, a word or a sample. A thread has a few. It
// loads all before it stores the first, so that many loads are on their way at a time.
PYQUANT_HOST_DEVICE constexpr int units_of_thread(int unit_bytes) {
  return unit_bytes >= 8 ? 2 : unit_bytes == 4 ? 4 : 8;
}

// What a kernel is told, and the size of its launch. Strides are in samples.
struct LinearQuantizePlan {
  static constexpr std::size_t maximum_dimensions = 6;
  // A launch counts its units, and the samples from its first to its last one, in 31 bits.
  static constexpr std::int64_t limit = std::int64_t{1} << 31;

  const void* image = nullptr;
  void* result = nullptr;
  int bits = 0;

  Transfers transfers = Transfers::samples;
  bool loads_units = true;          // otherwise a thread loads the samples of a unit one by one
  std::uint32_t sample_stride = 1;  // of the image, from one sample of a unit to the next
  std::uint32_t units = 0;
  std::uint32_t left_over = 0;  // samples after the last unit, where there is one dimension

  // Of units, the innermost first.
  int dimensions = 0;
  Divisor size[maximum_dimensions] = {};
  std::uint32_t image_stride[maximum_dimensions] = {};
  std::uint32_t result_stride[maximum_dimensions] = {};

  std::int64_t blocks = 0;
};

// Whether memory that is walked along in the order of its dimensions is made of aligned units,
// each of so many samples.
inline bool is_made_of_units(const void* data, const std::vector<Dimension>& dimensions,
                             std::int64_t Dimension::* stride, int samples, int bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % bytes == 0 && dimensions[0].*stride == 1 &&
         std::all_of(dimensions.begin() + 1, dimensions.end(),
                     [&](const Dimension& each) { return each.*stride % samples == 0; });
}

// Chooses the units, and makes the first dimension one of units.
inline void choose_units(LinearQuantizePlan& plan, std::vector<Dimension>& dimensions,
                         int sample_size) {
  Dimension& row = dimensions[0];
  for (const Transfers transfers : {Transfers::pieces, Transfers::words}) {
    const int bytes = bytes_of(transfers, sample_size);
    const int samples = bytes / sample_size;
    if (samples < 2 || row.size < samples) continue;  // a word of one sample is a sample
    // A single row may have a few samples more.
    if (dimensions.size() > 1 && row.size % samples != 0) continue;
    if (!is_made_of_units(plan.result, dimensions, &Dimension::result_stride, samples, bytes)) {
      continue;
    }
    const bool loads_units =
        is_made_of_units(plan.image, dimensions, &Dimension::image_stride, samples, bytes);
    // A thread loads the samples of a word one by one, but not those of a piece: its lanes would
    // be far apart.
    const bool loads_samples =
        transfers == Transfers::words && samples * row.image_stride < LinearQuantizePlan::limit;
    if (!loads_units && !loads_samples) continue;
    plan.transfers = transfers;
    plan.loads_units = loads_units;
    plan.sample_stride = static_cast<std::uint32_t>(row.image_stride);
    plan.left_over = static_cast<std::uint32_t>(row.size % samples);
    row = {row.size / samples, row.image_stride * samples, samples};
    return;
  }
}

// Adds the launch of a plan for these dimensions, or those of two halves if it would be too large.
inline void add_launches(LinearQuantizePlan plan, std::vector<Dimension> dimensions,
                         int sample_size, std::vector<LinearQuantizePlan>& launches) {
  dimensions = merged(std::move(dimensions));
  const int bytes = bytes_of(plan.transfers, sample_size);
  std::int64_t units = 1;
  std::int64_t in_image = bytes / sample_size * std::int64_t{plan.sample_stride};
  std::int64_t in_result = bytes / sample_size;
  for (const Dimension& each : dimensions) {
    units *= each.size;
    in_image += (each.size - 1) * each.image_stride;
    in_result += (each.size - 1) * each.result_stride;
  }
  if (std::max({units, in_image, in_result}) < LinearQuantizePlan::limit &&
      dimensions.size() <= LinearQuantizePlan::maximum_dimensions) {
    plan.units = static_cast<std::uint32_t>(units);
    // The last block has room for what is left over.
    plan.blocks =
        divide_up(units + (plan.left_over > 0), linear_quantize_threads * units_of_thread(bytes));
    for (const Dimension& each : dimensions) {
      plan.size[plan.dimensions] = Divisor(static_cast<std::uint32_t>(each.size));
      plan.image_stride[plan.dimensions] = static_cast<std::uint32_t>(each.image_stride);
      plan.result_stride[plan.dimensions] = static_cast<std::uint32_t>(each.result_stride);
      ++plan.dimensions;
    }
    launches.push_back(plan);
    return;
  }
  // The dimension that reaches furthest is halved.
  const auto reach = [](const Dimension& each) {
    return (each.size - 1) * std::max(each.image_stride, each.result_stride);
  };
  Dimension& longest =
      *std::max_element(dimensions.begin(), dimensions.end(),
                        [&](const auto& a, const auto& b) { return reach(a) < reach(b); });
  const std::int64_t size = longest.size, half = size / 2;
  LinearQuantizePlan rest = plan;
  rest.image =
      static_cast<const std::byte*>(plan.image) + half * longest.image_stride * sample_size;
  rest.result = static_cast<std::byte*>(plan.result) + half * longest.result_stride * sample_size;
  plan.left_over = 0;
  longest.size = half;
  add_launches(plan, dimensions, sample_size, launches);
  longest.size = size - half;
  add_launches(rest, dimensions, sample_size, launches);
}

// The launches for an image and its result.
inline std::vector<LinearQuantizePlan> plan_linear_quantize(const void* image, void* result,
                                                            std::vector<Dimension> dimensions,
                                                            int sample_size, int bits) {
  dimensions = merged(std::move(dimensions));
  LinearQuantizePlan plan = {.image = image, .result = result, .bits = bits};
  choose_units(plan, dimensions, sample_size);
  std::vector<LinearQuantizePlan> launches;
  add_launches(plan, dimensions, sample_size, launches);
  return launches;
}

}  // namespace pyquant
