#pragma once

// Floyd-Steinberg dithering, one pixel at a time, written as a gather: a pixel
// collects the errors of its four finished neighbours
//
//     up-left   up   up-right          1   5   3
//        left   here             =     7   *         (sixteenths)
//
// which is the usual scatter (7 right, 3 below left, 5 below, 1 below right)
// seen from the receiving end. The order of the four additions is part of the
// result: it is the raster order in which a scatter would have delivered them.

#include <cstdint>

#include "host_device.h"
#include "levels.h"

namespace pyquant {

enum class Variant { textbook, published };

// ---- textbook (Floyd & Steinberg 1976), float32, errors in units of one level

struct TextbookPixel {
  float code;  // a whole number
  float error;
};

// What the row above contributes, in sixteenths of a level; it does not depend on
// the left neighbour. At the first and last column of a plane a factor of 0 instead
// of 1 leaves out the neighbour that does not exist. The products are exact, so fused
// and separate rounding agree.
PYQUANT_HOST_DEVICE float textbook_sum_above(float up_left, float up, float up_right,
                                             float keep_left = 1.0f, float keep_right = 1.0f) {
  return multiply_add(3.0f * up_right, keep_right, multiply_add(up_left, keep_left, 5.0f * up));
}

PYQUANT_HOST_DEVICE float textbook_from_above(float up_left, float up, float up_right) {
  return 0.0625f * textbook_sum_above(up_left, up, up_right);
}

PYQUANT_HOST_DEVICE float textbook_from_left(float left) { return 0.4375f * left; }

// `adjusted` is the sample in units of one level, x*(n-1), and all that its
// neighbours contribute. The error needs no clamp: |error| <= 1/2 at the neighbours
// puts the sum within 1/2 of [0, n-1], and then rounding and clamping leave an
// error of at most 1/2 again.
PYQUANT_HOST_DEVICE TextbookPixel textbook_pixel(float adjusted, int bits) {
  const float top = static_cast<float>(level_count(bits) - 1);
  const float code = floor_of_positive(clamp_to_positive(adjusted + 0.5f, top + 0.5f));
  return {code, adjusted - code};
}

PYQUANT_HOST_DEVICE TextbookPixel textbook_pixel(float value, float from_above, float left,
                                                 int bits) {
  return textbook_pixel((value + from_above) + textbook_from_left(left), bits);
}

// ---- published (the code that made the paper's tables), 8-bit integers

struct PublishedPixel {
  int code;
  int level;  // truncated_byte_level(code)
  int error;
};

// round(weight * error), half to even, by adding 1.5 * 2^23: near that number the
// floats are the integers, so the addition rounds. The product is exact (fused or
// not), and the low bits of the sum are the share. Weights are sixteenths.
PYQUANT_HOST_DEVICE int published_share_bits(float weight, float error) {
  return float_bits(multiply_add(error, weight, 0x1.8p23f));
}

PYQUANT_HOST_DEVICE int published_share(int weight, int error) {
  return published_share_bits(static_cast<float>(weight) * 0.0625f, static_cast<float>(error)) -
         float_bits(0x1.8p23f);
}

PYQUANT_HOST_DEVICE int clip_to_byte(int value) {
  return value < 0 ? 0 : (value > 255 ? 255 : value);
}

// The published code drops the below-left share of column 1 as well as that of
// column 0 (it tests x > 1): seen from the receiver, column 0 gets nothing from
// its up-right neighbour.
PYQUANT_HOST_DEVICE bool published_takes_up_right(std::int64_t column, std::int64_t width) {
  return column > 0 && column + 1 < width;
}

// Shares are added in the order 1, 5, 3 and clipped after each.
PYQUANT_HOST_DEVICE int published_from_above(int value, int share_1, int share_5, int share_3) {
  return clip_to_byte(clip_to_byte(clip_to_byte(value + share_1) + share_5) + share_3);
}

// `value` is what published_from_above returned; `share_7` comes from the left.
PYQUANT_HOST_DEVICE PublishedPixel published_pixel(int value, int share_7, int bits) {
  const int adjusted = clip_to_byte(value + share_7);
  const int code = adjusted >> (8 - bits);
  const int level = truncated_byte_level(code, bits);
  return {code, level, adjusted - level};
}

}  // namespace pyquant
