#pragma once

// How a place in a stream becomes a place in memory (stream.cuh). Plain C++.

#include <cstdint>

#include "../../divide_up.h"
#include "../../planes.h"
#include "../divisor.h"
#include "../hardware.h"
#include "../transfers.h"
#include "stripe_layout.h"

namespace pyquant {

// Offsets of samples in 64 bits, or of 16-byte pieces in 32 bits. With the pass, the plane
// and the group of planes of a place, its offset is a sum of products:
//
//     place * column + pass * pass_jump + plane * plane_jump + group * group_jump
//
// A jump is what a stride is more than the strides that are counted already: at the end of
// a pass, the place has moved on by the columns of a row.
template <typename Offset>
struct StreamStrides {
  static constexpr int maximum_leading = 2;  // of the planes

  std::uint32_t column = 0;
  Offset row = 0;
  Offset plane = 0;
  Offset pass_jump = 0;
  Offset plane_jump = 0;
  Offset group_jump = 0;
  Divisor group;  // planes of a group: the channels of an image, for example

  StreamStrides() = default;
  // In units of so many samples; `pass_stripes` of a plane follow each other in the stream.
  StreamStrides(const Planes& planes, std::int64_t pass_stripes, bool walks_down, int unit) {
    const auto in_units = [unit](std::int64_t samples) {
      return static_cast<Offset>(samples / unit);
    };
    std::int64_t plane_stride = planes.leading > 0 ? planes.leading_stride[0] : 0;
    if (planes.leading == 2) {
      group = Divisor(static_cast<std::uint32_t>(planes.leading_size[1]));
      plane_stride = planes.leading_stride[1];
      group_jump =
          in_units(planes.leading_stride[0] - planes.leading_size[1] * planes.leading_stride[1]);
    }
    const std::int64_t stripe_stride = stripe_rows * planes.row_stride;
    column = unit == 1 ? static_cast<std::uint32_t>(planes.column_stride) : 1;
    row = in_units(planes.row_stride);
    plane = in_units(plane_stride);
    pass_jump =
        in_units((walks_down ? stripe_stride : plane_stride) - planes.width * planes.column_stride);
    plane_jump = walks_down ? in_units(plane_stride - pass_stripes * stripe_stride) : 0;
  }
};

// Planes that the kernels walk along as they lie in memory. A sample further from the
// next one than a sector would cost a sector of traffic each.
inline bool are_walked_in_place(const Planes& planes, int sample_size) {
  return planes.leading <= StreamStrides<std::int64_t>::maximum_leading &&
         planes.column_stride * sample_size <= device::sector_bytes;
}

inline bool are_interleaved(const Planes& planes) {
  return planes.leading == 2 && planes.leading_size[1] == interleaved_planes &&
         planes.leading_stride[1] == 1 && planes.column_stride == interleaved_planes;
}
// Interleaved planes as one, with the columns of all.
inline Planes side_by_side(Planes planes) {
  planes.count /= interleaved_planes;
  planes.width *= interleaved_planes;
  planes.column_stride = 1;
  planes.leading = 1;
  return planes;
}

// Before the first pass of a stream there are as many as have the columns that some row of a
// stripe passes through before its first.
inline std::int64_t lead_passes_of(const Planes& planes, int planes_at_once) {
  return divide_up(planes_at_once * stripe_delay + 32, planes.width);
}

// Whether planes at equal distances have rows that are made of such pieces or words, and so
// few that they are counted in 31 bits.
inline bool are_moved_by(Transfers transfers, const void* data, const Planes& planes,
                         int sample_size, int planes_at_once = 1) {
  const int unit = bytes_of(transfers, sample_size);
  const auto is_whole = [&](std::int64_t samples) { return samples * sample_size % unit == 0; };
  const std::int64_t lead = lead_passes_of(planes, planes_at_once);
  const std::int64_t samples = (lead + planes.count) * planes.leading_stride[0] +
                               (stripe_rows * lead + planes.height) * planes.row_stride;
  return reinterpret_cast<std::uintptr_t>(data) % unit == 0 && planes.column_stride == 1 &&
         is_whole(planes.width) && is_whole(planes.row_stride) && planes.leading <= 1 &&
         is_whole(planes.leading_stride[0]) && samples / unit * sample_size < std::int64_t{1} << 31;
}

}  // namespace pyquant
