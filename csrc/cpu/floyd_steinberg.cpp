// Floyd-Steinberg error diffusion on the CPU: one plane after another in raster
// order, planes spread over torch's threads.

#include "../error_diffusion.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "../checks.h"
#include "../sample_types.h"
#include "../tensor_planes.h"

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
void diffuse(const Sample* image, const Planes& from, Sample* result, const Planes& to, int bits,
             RowFunction<Sample, Error>* diffuse_row) {
  // A thread should have at least this many samples to pay for its wake-up.
  constexpr std::int64_t samples_per_thread = 16384;
  const std::int64_t grain =
      std::max<std::int64_t>(1, samples_per_thread / (from.height * from.width));
  torch::stable::parallel_for(
      0, from.count, grain, [&](std::int64_t first, std::int64_t last) {
        std::vector<Error> errors(from.width + 2);
        for (std::int64_t plane = first; plane < last; ++plane) {
          std::fill(errors.begin(), errors.end(), Error(0));
          const Sample* source = image + from.offset(plane);
          Sample* target = result + to.offset(plane);
          for (std::int64_t row = 0; row < from.height; ++row) {
            diffuse_row({source + row * from.row_stride, from.column_stride},
                        {target + row * to.row_stride, to.column_stride}, from.width, bits,
                        errors.data());
          }
        }
      });
}

torch::stable::Tensor floyd_steinberg(const torch::stable::Tensor& image, std::int64_t bits,
                                      std::string variant) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Variant chosen = checked_variant(variant);
  return map_planes(image, [&](const auto& from, const Planes& from_planes, const auto& to,
                               const Planes& to_planes) {
    dispatch_sample_type(from.scalar_type(), "image", [&](auto sample_type) {
      using Sample = typename decltype(sample_type)::type;
      const Sample* source = static_cast<const Sample*>(from.const_data_ptr());
      Sample* target = static_cast<Sample*>(to.mutable_data_ptr());
      if (chosen == Variant::textbook) {
        diffuse<Sample, float>(source, from_planes, target, to_planes, checked,
                               textbook_row<Sample>);
      } else {
        diffuse<Sample, int>(source, from_planes, target, to_planes, checked,
                             published_row<Sample>);
      }
    });
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
}
