#pragma once

// What an instruction set provides, besides is_supported() (dispatch.h): four types
// in its own namespace. Each is checked against its concept where it is defined. No
// member knows of an op; what an op needs besides, it says in its own kernels.inl.h.

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "../../sample.h"
#include "exact_quotient.h"

namespace pyquant {

// A register of `size` floats, and samples of every format as such registers.
template <typename Floats>
concept FloatRegister = requires(typename Floats::Vector vector, typename Floats::Vector& out,
                                 const ExactQuotient& quotient, float* floats, double* doubles,
                                 Float16* halves, BFloat16* bfloats, std::uint8_t* bytes) {
  { Floats::size } -> std::convertible_to<int>;

  // `size` samples, converted to float32; bytes become 0 to 255.
  { Floats::load(floats) } -> std::same_as<typename Floats::Vector>;
  { Floats::load(doubles) } -> std::same_as<typename Floats::Vector>;
  { Floats::load(halves) } -> std::same_as<typename Floats::Vector>;
  { Floats::load(bfloats) } -> std::same_as<typename Floats::Vector>;
  { Floats::load(bytes) } -> std::same_as<typename Floats::Vector>;

  // Any floats; and numbers from 0 to 255 as the nearest bytes, where no number is
  // halfway between two bytes.
  Floats::store(floats, vector);
  Floats::store_rounded(bytes, vector);

  // Levels, k/(n-1) for n = 2 to 256, rounded to the format. Other numbers may be
  // rounded wrongly.
  Floats::store_levels(floats, vector);
  Floats::store_levels(doubles, vector);
  Floats::store_levels(halves, vector);
  Floats::store_levels(bfloats, vector);

  // Two registers of samples, clamped to [0, 1] with NaN as 0, and two of levels back.
  // The order of the samples in between is up to the instruction set.
  Floats::load_unit_pair(floats, out, out);
  Floats::load_unit_pair(doubles, out, out);
  Floats::load_unit_pair(halves, out, out);
  Floats::load_unit_pair(bfloats, out, out);
  Floats::store_level_pair(floats, vector, vector);
  Floats::store_level_pair(doubles, vector, vector);
  Floats::store_level_pair(halves, vector, vector);
  Floats::store_level_pair(bfloats, vector, vector);

  // A non-temporal store, to an address that is a multiple of the register; other threads
  // see such stores after end_streams().
  Floats::stream(floats, vector);
  Floats::end_streams();

  // Arithmetic, each operation rounded on its own.
  { Floats::broadcast(1.0f) } -> std::same_as<typename Floats::Vector>;
  { Floats::zero() } -> std::same_as<typename Floats::Vector>;
  { Floats::add(vector, vector) } -> std::same_as<typename Floats::Vector>;
  { Floats::subtract(vector, vector) } -> std::same_as<typename Floats::Vector>;
  { Floats::multiply(vector, vector) } -> std::same_as<typename Floats::Vector>;
  // Towards zero.
  { Floats::truncate(vector) } -> std::same_as<typename Floats::Vector>;
  // max(value, 0), and 0 for NaN.
  { Floats::positive_part(vector) } -> std::same_as<typename Floats::Vector>;
  // The smaller of two numbers. The second is positive, and neither is NaN.
  { Floats::minimum_with_positive(vector, vector) } -> std::same_as<typename Floats::Vector>;
  // To 0..top, NaN as 0.
  { Floats::clamp(vector, 1.0f) } -> std::same_as<typename Floats::Vector>;
  // Whole numbers from 0 to 255, divided and correctly rounded.
  { Floats::divide(vector, quotient) } -> std::same_as<typename Floats::Vector>;
};

// A register of `lanes` samples, each of which belongs to another row, and tiles of
// `columns` such registers: `columns` samples of every row, transposed.
template <typename Lanes>
concept LaneRegister =
    requires(typename Lanes::Vector vector, typename Lanes::Vector* tile, typename Lanes::Mask mask,
             typename Lanes::Sample sample, typename Lanes::Sample* samples,
             std::ptrdiff_t lane_stride, std::int64_t lane) {
      { Lanes::lanes } -> std::convertible_to<int>;
      { Lanes::columns } -> std::convertible_to<int>;
      { Lanes::native_format } -> std::convertible_to<SampleFormat>;

      // tile[column], lane l = samples[l * lane_stride + column], and back. Writing may
      // destroy the tile.
      Lanes::read_tile(samples, lane_stride, tile);
      Lanes::write_tile(tile, samples, lane_stride);

      { Lanes::broadcast(sample) } -> std::same_as<typename Lanes::Vector>;
      { Lanes::lane_0(vector) } -> std::same_as<typename Lanes::Sample>;
      // Lane l takes the value of lane l + 1, the last one that of lane 0 of the second.
      { Lanes::shift(vector, vector) } -> std::same_as<typename Lanes::Vector>;
      // Lanes from the first to the last number, which may lie outside; none of them if the
      // last is below the first.
      { Lanes::lanes_between(lane, lane) } -> std::same_as<typename Lanes::Mask>;
      // The first where the mask is set, else the second.
      { Lanes::select(mask, vector, vector) } -> std::same_as<typename Lanes::Vector>;
    };

// FloatLanes.
template <typename Lanes>
concept FloatLaneRegister = LaneRegister<Lanes> && std::same_as<typename Lanes::Sample, float>;

// ByteLanes.
template <typename Lanes>
concept ByteLaneRegister =
    LaneRegister<Lanes> && std::same_as<typename Lanes::Sample, std::uint8_t> &&
    requires(typename Lanes::Vector vector) {
      // a - b modulo 256.
      { Lanes::subtract(vector, vector) } -> std::same_as<typename Lanes::Vector>;
      // a + b as signed bytes, saturated.
      { Lanes::add_saturated(vector, vector) } -> std::same_as<typename Lanes::Vector>;
      // The top bit of every byte flipped: value - 128 as a signed byte.
      { Lanes::flip_top_bit(vector) } -> std::same_as<typename Lanes::Vector>;
    };

// Samples that lie 2, 3 or 4 apart, gathered into a dense row and scattered from it. A
// row has room for whole registers, and all of it may be overwritten.
template <typename Strided>
concept StridedSamples = requires(std::uint8_t* bytes, float* floats, int count) {
  Strided::template gather<3>(bytes, count, bytes);
  Strided::template scatter<3>(bytes, count, bytes);
  Strided::template gather<2>(floats, count, floats);
  Strided::template scatter<4>(floats, count, floats);
};

}  // namespace pyquant
