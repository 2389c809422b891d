#pragma once

// Floyd-Steinberg error diffusion, one pixel at a time, written as a gather: a
// pixel collects the errors of its four finished neighbours
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

// What the row above contributes; it does not wait for the left neighbour.
PYQUANT_HOST_DEVICE float textbook_from_above(float up_left, float up, float up_right) {
  return 0.0625f * ((up_left + 5.0f * up) + 3.0f * up_right);
}

// `value` is the sample in units of one level, x*(n-1). The error needs no
// clamp: |error| <= 1/2 at the neighbours puts the sum within 1/2 of
// [0, n-1], and then rounding and clamping leave an error of at most 1/2 again.
PYQUANT_HOST_DEVICE TextbookPixel textbook_pixel(float value, float from_above, float left,
                                                 int bits) {
  const float adjusted = (value + from_above) + 0.4375f * left;
  const float top = static_cast<float>(level_count(bits) - 1);
  const float shifted = adjusted + 0.5f;
  const float code = floor_of_positive(smaller(shifted > 0.0f ? shifted : 0.0f, top + 0.5f));
  return {code, adjusted - code};
}

// ---- published (the code behind the paper's tables), 8-bit integers

struct PublishedPixel {
  int code;
  int level;  // truncated_byte_level(code)
  int error;
};

// round(weight * error / 16), half to even, which is how a float is rounded: next
// to 1.5 * 2^23 floats are the integers. The product is exact (fused or not), and
// the low bits of the sum are the share.
PYQUANT_HOST_DEVICE int published_share(int weight, float error) {
  const float sum = multiply_add(error, static_cast<float>(weight) * 0.0625f, 0x1.8p23f);
  return float_bits(sum) - 0x4b400000;
}

PYQUANT_HOST_DEVICE int published_share(int weight, int error) {
  return published_share(weight, static_cast<float>(error));
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
// The multiplier is truncated_level_multiplier(bits).
PYQUANT_HOST_DEVICE PublishedPixel published_pixel(int value, int share_7, int bits,
                                                   int multiplier) {
  const int adjusted = clip_to_byte(value + share_7);
  const int code = adjusted >> (8 - bits);
  const int level = (code * multiplier) >> 16;
  return {code, level, adjusted - level};
}

PYQUANT_HOST_DEVICE PublishedPixel published_pixel(int value, int share_7, int bits) {
  return published_pixel(value, share_7, bits, truncated_level_multiplier(bits));
}

}  // namespace pyquant
