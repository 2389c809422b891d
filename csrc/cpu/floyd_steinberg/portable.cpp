// Error diffusion in plain C++: one plane after another in raster order. It is
// the definition in error_diffusion.h and a loop around it, for machines without
// a faster kernel.

#include "kernels.h"

#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../../floyd_steinberg.h"

namespace pyquant {
namespace {

// Rows of a plane, its samples being stride elements apart.
template <typename Sample>
struct Row {
  Sample* begin;
  std::int64_t stride;
  Sample& operator[](std::int64_t column) const { return begin[column * stride]; }
};

// `errors` holds the errors of the row above at [1..width], between zeros; they
// are replaced by this row's as it goes.
template <typename Sample>
void textbook_row(Row<const Sample> image, Row<Sample> result, std::int64_t width, int bits,
                  float* errors) {
  const float steps = static_cast<float>(level_count(bits) - 1);
  float up_left = 0.0f;
  float left = 0.0f;
  for (std::int64_t column = 0; column < width; ++column) {
    const float up = errors[column + 1];
    const float above = textbook_from_above(up_left, up, errors[column + 2]);
    const TextbookPixel pixel =
        textbook_pixel(to_unit(image[column]) * steps, above, left, bits);
    result[column] = textbook_level<Sample>(pixel.code, bits);
    up_left = up;
    left = errors[column + 1] = pixel.error;
  }
}

template <typename Sample>
void published_row(Row<const Sample> image, Row<Sample> result, std::int64_t width, int bits,
                   int* errors) {
  int up_left = 0;
  int left = 0;
  for (std::int64_t column = 0; column < width; ++column) {
    const int up = errors[column + 1];
    const int up_right = published_takes_up_right(column, width) ? errors[column + 2] : 0;
    const int value =
        published_from_above(to_byte(image[column]), published_share(1, up_left),
                             published_share(5, up), published_share(3, up_right));
    const PublishedPixel pixel = published_pixel(value, published_share(7, left), bits);
    result[column] = published_level<Sample>(pixel.code, bits);
    up_left = up;
    left = errors[column + 1] = pixel.error;
  }
}

template <typename Sample, typename Error>
using RowFunction = void(Row<const Sample>, Row<Sample>, std::int64_t, int, Error*);

template <typename Sample, typename Error>
void dither(const DiffusionCall& call, std::int64_t first, std::int64_t last,
            RowFunction<Sample, Error>* dither_row) {
  std::vector<Error> errors(call.from.width + 2);
  for (std::int64_t plane = first; plane < last; ++plane) {
    std::fill(errors.begin(), errors.end(), Error(0));
    const Sample* image = static_cast<const Sample*>(call.image) + call.from.offset(plane);
    Sample* result = static_cast<Sample*>(call.result) + call.to.offset(plane);
    for (std::int64_t row = 0; row < call.from.height; ++row) {
      dither_row({image + row * call.from.row_stride, call.from.column_stride},
                 {result + row * call.to.row_stride, call.to.column_stride}, call.from.width,
                 call.bits, errors.data());
    }
  }
}

template <typename Sample>
void dither_samples(const DiffusionCall& call, std::int64_t first, std::int64_t last) {
  if (call.variant == Variant::textbook) {
    dither<Sample, float>(call, first, last, textbook_row<Sample>);
  } else {
    dither<Sample, int>(call, first, last, published_row<Sample>);
  }
}

void dither_planes(const DiffusionCall& call, std::int64_t first, std::int64_t last) {
  switch (call.format) {
    case SampleFormat::uint8: return dither_samples<std::uint8_t>(call, first, last);
    case SampleFormat::float16:
      return dither_samples<torch::headeronly::Half>(call, first, last);
    case SampleFormat::bfloat16:
      return dither_samples<torch::headeronly::BFloat16>(call, first, last);
    case SampleFormat::float32: return dither_samples<float>(call, first, last);
    case SampleFormat::float64: return dither_samples<double>(call, first, last);
  }
}

}  // namespace

DiffusionKernels portable_kernels(Variant) { return {1, dither_planes, 0, 0, nullptr, nullptr, nullptr}; }

}  // namespace pyquant
