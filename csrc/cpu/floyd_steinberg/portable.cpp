// Floyd-Steinberg dithering in plain C++: one plane after another in raster order. It
// is the definition in ../../floyd_steinberg.h and a loop around it, for machines
// without a faster kernel.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../../sample.h"
#include "kernels.h"

namespace pyquant::portable {
namespace {

// A row of a plane, its samples being `stride` apart.
template <typename Sample>
struct Row {
  Sample* begin;
  std::int64_t stride;
  Sample& operator[](std::int64_t column) const { return begin[column * stride]; }
};

// `errors` holds the errors of the row above at [1..width], between zeros; they
// are replaced by this row's as it goes.
template <typename Sample>
void dither_row_textbook(Row<const Sample> image, Row<Sample> result, std::int64_t width, int bits,
                         float* errors) {
  const float steps = static_cast<float>(level_count(bits) - 1);
  float up_left = 0.0f;
  float left = 0.0f;
  for (std::int64_t column = 0; column < width; ++column) {
    const float up = errors[column + 1];
    const float above = textbook_from_above(up_left, up, errors[column + 2]);
    const TextbookPixel pixel = textbook_pixel(to_unit(image[column]) * steps, above, left, bits);
    result[column] = textbook_level<Sample>(pixel.code, bits);
    up_left = up;
    left = errors[column + 1] = pixel.error;
  }
}

template <typename Sample>
void dither_row_published(Row<const Sample> image, Row<Sample> result, std::int64_t width, int bits,
                          int* errors) {
  int up_left = 0;
  int left = 0;
  for (std::int64_t column = 0; column < width; ++column) {
    const int up = errors[column + 1];
    const int up_right = published_takes_up_right(column, width) ? errors[column + 2] : 0;
    const int value = published_from_above(to_byte(image[column]), published_share(1, up_left),
                                           published_share(5, up), published_share(3, up_right));
    const PublishedPixel pixel = published_pixel(value, published_share(7, left), bits);
    result[column] = published_level<Sample>(pixel.code, bits);
    up_left = up;
    left = errors[column + 1] = pixel.error;
  }
}

template <typename Sample, typename Error>
void dither_each_plane(const FloydSteinbergCall& call, std::int64_t first_plane,
                       std::int64_t end_plane, void* scratch,
                       void (*dither_row)(Row<const Sample>, Row<Sample>, std::int64_t, int,
                                          Error*)) {
  const Planes& from = call.image_planes;
  const Planes& to = call.result_planes;
  Error* const errors = static_cast<Error*>(scratch);
  for (std::int64_t plane = first_plane; plane < end_plane; ++plane) {
    std::fill_n(errors, from.width + 2, Error(0));
    const Sample* image = static_cast<const Sample*>(call.image) + from.offset(plane);
    Sample* result = static_cast<Sample*>(call.result) + to.offset(plane);
    for (std::int64_t row = 0; row < from.height; ++row) {
      dither_row({image + row * from.row_stride, from.column_stride},
                 {result + row * to.row_stride, to.column_stride}, from.width, call.bits, errors);
    }
  }
}

void dither_planes(const FloydSteinbergCall& call, std::int64_t first_plane, std::int64_t end_plane,
                   void* scratch) {
  with_sample_type(call.format, [&]<typename Sample>(std::type_identity<Sample>) {
    if (call.variant == Variant::textbook) {
      dither_each_plane<Sample, float>(call, first_plane, end_plane, scratch,
                                       dither_row_textbook<Sample>);
    } else {
      dither_each_plane<Sample, int>(call, first_plane, end_plane, scratch,
                                     dither_row_published<Sample>);
    }
  });
}

}  // namespace

FloydSteinbergKernels floyd_steinberg_kernels(Variant) {
  static_assert(sizeof(int) == sizeof(float));
  return {.planes_at_once = 1,
          .dither_planes = dither_planes,
          .planes_bytes = [](const Planes& image, std::int64_t) -> std::int64_t {
            return (image.width + 2) * sizeof(float);
          }};
}

}  // namespace pyquant::portable
